"""Fixtures for all tests, and the rule that nothing is skipped where nobody would notice."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import Any

import pytest
import structlog
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.fixtures", "tests.servers"]
# What starts a browser, a database, processes or real media: left out by `--unit`.
SERVERS = {
    "browser",
    "postgres_url",
    "redis_url",
    "smtp_server",
    "database_url",
    "media",
    "roles",
    "node",
    "station_folder",
}
# What may run beside what, in the order in which it is begun: meetings of several browsers and what measures their
# lines go through one worker, one after the other; the second has the rest, its whole stations first.
MEETINGS, MEASUREMENTS, STATIONS, OTHERS = range(4)
LOTS = {"journeys": MEETINGS, "resilience": MEETINGS, "live": MEASUREMENTS, "rtc": MEASUREMENTS}
LOTS |= dict.fromkeys(("accessibility", "deploy", "serve", "upgrade"), STATIONS)
SLOW_FOLDERS = {"accessibility", "bench", "browsers", "deploy", "fuzz", "journeys", "resilience", "serve", "upgrade"}

# structlog's own renderer draws a traceback with all local values: seconds for each exception that a test provokes.
_PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _PLAIN])


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--unit`: only what runs on a machine with Python alone, in about a minute."""
    parser.addoption("--unit", action="store_true", help="leave out tests with browsers, servers or processes")


class OneHeavyAtATime(LoadScopeScheduling):
    """Deals out whole files to the workers; the meetings all to one, so that no two take each other's cores."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.split("::", maxsplit=1)[0])
        return "meetings" if _lot(path) <= MEASUREMENTS else str(path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """How `make test` runs on two workers."""
    return OneHeavyAtATime(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects, rather than skips, what `--unit` leaves out: nothing is taken for tested. Sorted by lots."""
    if config.getoption("--unit"):
        kept = [item for item in items if _is_unit(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
    items.sort(key=lambda item: _lot(PurePosixPath(item.path.relative_to(config.rootpath))))


def _lot(path: PurePosixPath) -> int:
    """Of a test file below `tests`."""
    return MEASUREMENTS if "browser" in path.name else LOTS.get(path.parts[1], OTHERS)


def _is_unit(item: pytest.Item) -> bool:
    return not (_folders(item) & SLOW_FOLDERS or set(getattr(item, "fixturenames", ())) & SERVERS)


def _folders(item: pytest.Item) -> set[str]:
    return set(item.path.relative_to(item.config.rootpath).parts)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test counts as failed: the machine has everything, so nothing excuses it."""
    if not os.environ.get("CI"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if skipped:
        reporter.write_line("")
        for report in skipped:
            reporter.write_line(f"FAILED because skipped: {report.nodeid}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
