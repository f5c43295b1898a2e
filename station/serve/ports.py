"""Whether the ports that the station needs are free, said before anything is started."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass, replace

from station.base.settings import Settings


class CannotStart(Exception):
    """Why the station does not start, and what to do, in one sentence for the terminal."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port that one of the roles opens, and how another can be named."""

    number: int
    host: str
    udp: bool
    purpose: str
    setting: str
    option: str

    @property
    def kind(self) -> str:
        """The transport's name."""
        return "UDP" if self.udp else "TCP"


def needed_ports(settings: Settings) -> list[Port]:
    """All ports of the processes on this machine."""
    media = "127.0.0.1" if settings.host in ("127.0.0.1", "localhost") else ""
    numbers = range(settings.media_processes)
    return [
        Port(
            number=settings.http_port,
            host=settings.host,
            udp=False,
            purpose="pages",
            setting="STATION_HTTP_PORT",
            option="PORT",
        ),
        *(
            Port(
                number=settings.media_port_of(n),
                host=media,
                udp=udp,
                purpose="audio and video",
                setting="STATION_MEDIA_PORT",
                option="MEDIA_PORT",
            )
            for n in numbers
            for udp in (True, False)
        ),
        *(
            Port(
                number=settings.media_http_port_of(n),
                host="127.0.0.1",
                udp=False,
                purpose="media",
                setting="STATION_MEDIA_HTTP_PORT",
                option="",
            )
            for n in numbers
        ),
        Port(
            number=settings.live_http_port,
            host="127.0.0.1",
            udp=False,
            purpose="the live process",
            setting="STATION_LIVE_HTTP_PORT",
            option="",
        ),
    ]


def check_ports(settings: Settings) -> None:
    """Raises CannotStart naming every port that is taken, not allowed or meant twice, and what to set, all at once."""
    own: dict[tuple[int, bool], Port] = {}
    twice, faults = [], []
    for port in needed_ports(settings):
        other = own.setdefault((port.number, port.udp), port)
        if other is not port and port.number:
            twice.append((port, other))
        elif (fault := find_fault(port)) is not None:
            faults.append((port, fault))
    if twice:
        port, other = twice[0]
        raise CannotStart(
            f"{port.kind} port {port.number} is meant for {other.purpose} and for {port.purpose}: "
            f"set {port.setting} to another one"
        )
    if faults:
        raise CannotStart(_sentence(settings, faults))


def find_fault(port: Port) -> OSError | None:
    """What the system says when the port is opened; None if it can be."""
    family = socket.AF_INET6 if ":" in port.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if port.udp else socket.SOCK_STREAM) as probe:
        if not port.udp:
            # As the servers do: a connection of a moment ago in TIME_WAIT does not count as taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.host, port.number))
        except OSError as error:
            return error
    return None


def _sentence(settings: Settings, faults: list[tuple[Port, OSError]]) -> str:
    where = ", ".join(f"{port.kind} port {port.number} (for {port.purpose})" for port, _ in faults)
    way = _way_out(settings, {port.setting: port for port, _ in faults})
    errors = {fault.errno for _, fault in faults}
    if errors == {errno.EADDRINUSE}:
        taken = "is taken by another program" if len(faults) == 1 else "are taken by other programs"
        return f"{where} {taken}, perhaps a station already running: stop it, or use {way}"
    if errors == {errno.EACCES}:
        return f"{where} may only be opened by an administrator: use {way}"
    port, fault = faults[0]
    return f"{where} cannot be opened on {port.host or 'any address'} ({fault.strerror}): use {way}, or another HOST"


def _way_out(settings: Settings, wanted: dict[str, Port]) -> str:
    """One command that moves all of these ports to free ones."""
    step = next((n for n in range(10, 1000, 10) if not _taken(settings, n)), 10)
    moved = {
        setting: f"{port.option or setting}={first_of(settings, setting) + step}" for setting, port in wanted.items()
    }
    before = [words for setting, words in moved.items() if not wanted[setting].option]
    after = [words for setting, words in moved.items() if wanted[setting].option]
    return " ".join([*before, "make run", *after])


def first_of(settings: Settings, setting: str) -> int:
    """The number that this setting has: of several ports in a row the first."""
    return int(getattr(settings, setting.removeprefix("STATION_").lower()))


def _taken(settings: Settings, step: int) -> bool:
    ports = needed_ports(settings)
    return any(p.number + step > 65535 or find_fault(replace(p, number=p.number + step)) for p in ports if p.number)
