"""What the benchmark needs of a forwarder, whichever it is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from bench.peer import Peer


class Access(Protocol):
    """How peers get in. Publishers and subscribers have numbers; what a subscriber watches must be there already."""

    def publish(self, number: int) -> Peer: ...
    def watch(self, number: int, publishers: Sequence[int]) -> Peer: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: its process, and how to get in from this process or, by `how`, from another."""

    pid: int
    how: dict[str, Any]

    @property
    def access(self) -> Access:
        return access(self.how)


@dataclass(frozen=True, slots=True)
class Server:
    """A forwarder in one setting; `start()` gives a fresh one that is ended afterwards."""

    name: str
    start: Callable[[], AbstractContextManager[Running]]


def access(how: dict[str, Any]) -> Access:
    """The way in that `Running.how` describes."""
    found: Access = importlib.import_module(how["module"]).open_access(how)
    return found
