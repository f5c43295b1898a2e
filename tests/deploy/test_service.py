"""The shipped systemd unit."""

from __future__ import annotations

from configparser import RawConfigParser

from tests.servers import ROOT


def test_only_the_supervisor_is_told_to_stop() -> None:
    """A restart ends what roles have started by their own hand: no job counts it as a try that failed."""
    unit = RawConfigParser(strict=False)
    unit.read(ROOT / "deploy/station.service", encoding="utf-8")
    assert unit["Service"]["KillMode"] == "mixed"  # systemd.kill(5): the default sends SIGTERM to every process
    assert unit["Service"]["ExecStart"].endswith("/station serve")
