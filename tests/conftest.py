"""Fixtures for all tests, and the rule that nothing is skipped where nobody would notice."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import structlog

pytest_plugins = ["tests.servers", "tests.databases", "tests.fixtures"]  # each uses those before
# What needs a compiler, or starts a browser, a database, processes or real media: left out by `--unit`.
SERVERS = {
    "browser",
    "compiled_loop",
    "postgres_url",
    "redis_url",
    "smtp_server",
    "new_database",
    "new_postgres",
    "media",
    "roles",
    "node",
    "station_folder",
}
# Meetings of several browsers, and whatever measures their lines, need much of the machine: two at a time, and nothing
# beside them. So does a test or module with the mark `heavy`.
HEAVY_FOLDERS = {"bench", "journeys"}
MEETING_FOLDERS = {"journeys", "meeting", "resilience"}
SLOW_FOLDERS = {"accessibility", "bench", "browsers", "deploy", "fuzz", "journeys", "resilience", "serve", "upgrade"}

# structlog's own renderer draws a traceback with all local values: seconds for each exception that a test provokes.
_PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _PLAIN])


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--unit`: only what runs on a machine with Python alone, in about a minute. `--light` and `--heavy` are the two
    halves of all tests, in which `make test` runs them.
    """
    parser.addoption("--unit", action="store_true", help="leave out tests with browsers, servers or processes")
    parser.addoption("--heavy", action="store_true", help="only tests with browsers, media, or many processes")
    parser.addoption("--light", action="store_true", help="only the others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects, rather than skips, what an option leaves out: nothing is taken for tested."""
    wanted: dict[str, Callable[[pytest.Item], bool]] = {
        "--unit": _is_unit,
        "--heavy": _is_heavy,
        "--light": lambda item: not _is_heavy(item),
    }
    for option, fits in wanted.items():
        if config.getoption(option):
            kept = [item for item in items if fits(item)]
            config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
            items[:] = kept
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_lane(item)))


def _lane(item: pytest.Item) -> str:
    """What one worker runs in a row (`--dist loadgroup`): a module, or all whole stations where browsers meet.

    Each of those takes a core and more; beside another one it would be tried on a machine of half the size.
    """
    is_meeting = _is_heavy(item) and _folders(item) & MEETING_FOLDERS
    return "meetings" if is_meeting else item.path.relative_to(item.config.rootpath).as_posix()


def _is_heavy(item: pytest.Item) -> bool:
    folders, fixtures = _folders(item), set(getattr(item, "fixturenames", ()))
    if folders & HEAVY_FOLDERS or "media" in fixtures or item.get_closest_marker("heavy"):
        return True
    return "browser" in fixtures and "accessibility" not in folders


def _is_unit(item: pytest.Item) -> bool:
    return not (_folders(item) & SLOW_FOLDERS or set(getattr(item, "fixturenames", ())) & SERVERS)


def _folders(item: pytest.Item) -> set[str]:
    return set(item.path.relative_to(item.config.rootpath).parts)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test counts as failed: the machine has everything, so nothing excuses it."""
    if not os.environ.get("CI"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped:
        reporter.write_line("")
        for report in skipped:
            reporter.write_line(f"FAILED because skipped: {report.nodeid}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
