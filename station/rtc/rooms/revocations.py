"""Which passes open nothing any more: used ones, those of people who were put out or signed out, of ended rooms.

Each mark stays for as long as any pass may live that was signed before it. The journal holds what is lost with the
process: `restore` reads it back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from station.base.errors import N_, Conflict, NotAllowed
from station.base.grants import MAX_LIFETIME_S, Grant, GrantInvalid

SOCKET, WHIP = "socket", "whip"  # a pass goes in once by signalling; an encoder shows its own at each request


class RoomEnded(Conflict):
    code = "meeting-ended"
    message = N_("这场见面已经结束了")


class PutOut(NotAllowed):
    code = "put-out"
    message = N_("工作人员请您离开了会场，有疑问请打电话")


class GrantUsed(GrantInvalid):
    code = "grant-used"


class EncoderGrant(GrantInvalid):
    """A grant that nobody signed in for, shown by signalling."""

    code = "encoder-grant"
    message = N_("这张凭证是给推流设备的，只能按 WHIP 或 WHEP 使用")


def _mark(marks: dict[Any, float], key: object, at_s: float) -> None:
    """Marks a key, and forgets the marks that are too old to matter."""
    marks[key] = at_s
    for old in [old for old, old_s in marks.items() if old_s < time.time() - MAX_LIFETIME_S]:
        del marks[old]


class Revocations:
    """Of one media process. Times are Unix seconds, on the clock of the machine that also signs the passes."""

    def __init__(self, node: str = "") -> None:
        self._node = node
        self._ended: dict[str, float] = {}  # rooms
        self._put_out: dict[tuple[str, str], float] = {}  # by room and person
        self._signed_out: dict[str, float] = {}  # sessions
        self._used: dict[str, tuple[str, float]] = {}  # by grant id: which way, good until

    def end_room(self, room: str, at_s: float | None = None) -> None:
        """The room is closed for good: also to passes that are being signed this moment."""
        _mark(self._ended, room, time.time() if at_s is None else at_s)

    def put_out(self, room: str, person: str, at_s: float | None = None) -> None:
        """The person may come back only with a pass signed from now on."""
        _mark(self._put_out, (room, person), time.time() if at_s is None else at_s)

    def sign_out(self, session: str, at_s: float | None = None) -> None:
        """Nothing that was signed for the session opens a room any more."""
        _mark(self._signed_out, session, time.time() if at_s is None else at_s)

    def check_room(self, room: str) -> None:
        """Raises RoomEnded."""
        if room in self._ended:
            raise RoomEnded

    def check(self, grant: Grant) -> None:
        """Whether a grant still opens its room, here. Raises RoomEnded, PutOut, GrantInvalid."""
        self.check_room(grant.room)
        if grant.node not in ("", self._node) or grant.session in self._signed_out:
            raise GrantInvalid
        put_out_s = self._put_out.get((grant.room, grant.person))
        if put_out_s is not None and grant.issued_at <= put_out_s:
            raise PutOut

    def use(self, grant: Grant, way: str) -> None:
        """Notes that a grant went in: a person's once, an encoder's by WHIP and WHEP as it likes.

        Raises GrantUsed, and EncoderGrant for a grant by signalling that no sign-in stands behind.
        """
        if way == SOCKET and not grant.session:
            raise EncoderGrant
        now_s = time.time()
        if len(self._used) > 1000:
            self._used = {key: used for key, used in self._used.items() if used[1] > now_s}
        used = self._used.get(grant.id)
        if used is not None and (grant.session or (way, used[0]) != (WHIP, WHIP)):
            raise GrantUsed
        self._used[grant.id] = (way, float(grant.expires_at))

    def restore(self, events: Iterable[dict[str, Any]]) -> None:
        """Reads the journal's events, oldest first."""
        for event in events:
            at_s, data = event["at_ms"] / 1000, event["data"]
            if event["kind"] == "room_closed":
                self.end_room(event["room"], at_s)
            elif event["kind"] == "put_out":
                # The journal's time is whole milliseconds, cut off: the mark must not be earlier than it was.
                self.put_out(event["room"], event["person"], at_s + 0.001)
            elif event["kind"] == "signed_out":
                self.sign_out(data["session"], at_s)
            elif event["kind"] == "joined" and "grant" in data:
                self._used[data["grant"]] = (data.get("way", SOCKET), at_s + MAX_LIFETIME_S)
