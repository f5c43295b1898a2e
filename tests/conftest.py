"""Fixtures for all tests, and the rule that nothing is skipped where nobody would notice."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["tests.fixtures", "tests.servers"]


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
