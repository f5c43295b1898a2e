"""What is installed where: a machine that serves gets what serving needs, each release pinned with hashes."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.import_graph import imported_names, sources

ROOT = Path(__file__).parent.parent
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def pinned(name: str) -> dict[str, str]:
    """Package and release of each line of a file."""
    return dict(PINNED.findall((ROOT / name).read_text(encoding="utf-8")))


def asked_for(extra: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {re.split(r"[\[<>=]", line)[0].lower() for line in lines}


def test_a_station_is_set_up_without_the_test_tools() -> None:
    """`make setup` and `make run` bring no browser driver, no mail server, no linter; development brings them too."""
    serving, developing = pinned("constraints.txt"), pinned("constraints-dev.txt")
    assert asked_for("") <= set(serving)
    assert asked_for("dev").isdisjoint(serving)
    assert asked_for("dev") <= set(developing)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^run: setup ", makefile, re.MULTILINE)


# What is asked for by name though no module of ours imports it.
UNIMPORTED = {
    "asyncpg": "SQLAlchemy's driver, named in the database's URL",
    "setuptools": "builds the project itself, without isolation",
    "tzdata": "time zones where the system has none",
}


def test_whatever_is_asked_for_is_used() -> None:
    """A station is set up with nothing that it never imports; what stands for another reason says which."""
    modules = {name.partition(".")[0] for tree in sources().values() for name in imported_names(tree)}
    distributions = packages_distributions()
    used = {re.sub(r"[-_.]+", "-", name).lower() for module in modules for name in distributions.get(module, ())}
    assert asked_for("") - used == set(UNIMPORTED)


def test_tests_run_on_the_releases_that_serve() -> None:
    """Both files pin the same release of what they share."""
    developing = pinned("constraints-dev.txt")
    assert {name: developing.get(name) for name in pinned("constraints.txt")} == pinned("constraints.txt")


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-dev.txt", "tools/requirements.txt"])
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    """Nothing is installed in whatever release is the newest, the tools that write these files among them."""
    blocks = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(blocks) > 10
    assert [block.split()[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []


def test_no_script_installs_what_is_not_pinned() -> None:
    """Each `pip install` of the project asks for hashes, or is the project itself."""
    scripts = [*(ROOT / "tools").glob("*.sh"), ROOT / "Makefile"]
    lines = [line for script in scripts for line in script.read_text(encoding="utf-8").splitlines()]
    installs = [line for line in lines if re.search(r"pip\"? install", line)]
    assert installs
    assert [line for line in installs if "--require-hashes" not in line and " -e ." not in line] == []
