"""A taken port is one clear sentence."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from station.base.settings import Settings
from station.serve.ports import CannotStart, check_ports
from tests.servers import pick_port


def settings_on_free_ports(data: Path, **others: int) -> Settings:
    ports: dict[str, Any] = {name: pick_port() for name in ("http_port", "media_http_port", "live_http_port")}
    ports["media_port"] = pick_port()
    ports["media_processes"] = 1
    return Settings(_env_file=None, data=data, **{**ports, **others})


def test_free_ports_pass(tmp_path: Path) -> None:
    """Nothing is said when all ports are free."""
    check_ports(settings_on_free_ports(tmp_path))


@pytest.mark.parametrize(
    ("name", "kind", "remedy"),
    [
        ("http_port", "TCP", "make run PORT="),
        ("media_port", "UDP", "make run MEDIA_PORT="),
        ("media_port", "TCP", "make run MEDIA_PORT="),
        ("media_http_port", "TCP", "STATION_MEDIA_HTTP_PORT="),
        ("live_http_port", "TCP", "STATION_LIVE_HTTP_PORT="),
    ],
)
def test_a_taken_port_is_named_with_what_to_set(tmp_path: Path, name: str, kind: str, remedy: str) -> None:
    """The sentence names the port, what it is for and the setting that changes it."""
    family = socket.SOCK_DGRAM if kind == "UDP" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, family) as other:
        other.bind(("127.0.0.1", 0))
        if kind == "TCP":
            other.listen()
        taken = int(other.getsockname()[1])
        with pytest.raises(CannotStart) as raised:
            check_ports(settings_on_free_ports(tmp_path, **{name: taken}))
    sentence = str(raised.value)
    assert f"{kind} port {taken}" in sentence
    assert remedy in sentence
    assert "\n" not in sentence


def test_all_taken_ports_are_named_at_once(tmp_path: Path) -> None:
    """A second station beside the first reads every port and one command that moves them all to free ones."""
    with ExitStack() as stack:
        taken = {}
        for name in ("http_port", "media_http_port", "live_http_port"):
            other = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken[name] = int(other.getsockname()[1])
        with pytest.raises(CannotStart) as raised:
            check_ports(settings_on_free_ports(tmp_path, **taken))
    sentence = str(raised.value)
    assert all(f"TCP port {number}" in sentence for number in taken.values())
    command = sentence.rpartition("use ")[2]
    assert command.count("make run") == 1
    moved = dict(part.split("=") for part in command.split() if "=" in part)
    assert set(moved) == {"PORT", "STATION_MEDIA_HTTP_PORT", "STATION_LIVE_HTTP_PORT"}
    free = {
        "http_port": "PORT",
        "media_http_port": "STATION_MEDIA_HTTP_PORT",
        "live_http_port": "STATION_LIVE_HTTP_PORT",
    }
    check_ports(settings_on_free_ports(tmp_path, **{name: int(moved[word]) for name, word in free.items()}))
