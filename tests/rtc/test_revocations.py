"""Passes that open nothing any more: used, of who was put out or signed out, of an ended room, for another process."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from station.base.grants import Grant, GrantSigner, Right
from station.rtc.http.main import MediaServer
from tests.rtc.conftest import ROOM, Media
from tests.rtc.offers import offer
from tests.rtc.raw_peer import call
from tests.rtc.test_http import connect, post, receive


def sign(media: Media, person: str, session: str = "s0", **more: Any) -> str:
    rights = frozenset({Right.PUBLISH, Right.SUBSCRIBE})
    return media.signer.sign(Grant(ROOM, person, person, rights, int(time.time()) + 600, session=session, **more))


async def refusal(media: Media, grant: str) -> str:
    """The code with which signalling refuses a pass; "" when it lets somebody in."""
    _, answer = await connect(media, grant)
    return str(answer.get("code", ""))


async def people(media: Media) -> list[str]:
    _, found = await media.control("GET", "/control/stays")
    return sorted(stay["person"] for stay in found["stays"])


async def whip(media: Media, grant: str) -> int:
    status, _, _ = await post(media, f"/whip/{ROOM}", grant, offer("sendonly", "abcd", (1, 2)))
    return status


async def test_who_was_put_out_stays_out_with_every_pass_of_before(media: Media) -> None:
    """Passes signed before, used or not, by signalling or WHIP, are void; one signed afterwards lets in again."""
    first, second, third = (sign(media, "boris") for _ in range(3))
    socket, _ = await connect(media, first)
    assert (await media.control("DELETE", f"/control/rooms/{ROOM}/members/boris"))[0] == 204
    assert (await receive(socket, "closed"))["reason"] == "removed"
    assert [await refusal(media, grant) for grant in (first, second)] == ["put-out", "put-out"]
    assert await whip(media, third) == 403
    assert await people(media) == []
    assert await refusal(media, sign(media, "boris")) == ""


@pytest.mark.parametrize("room_is_open", [True, False])
async def test_who_is_only_on_the_way_in_is_kept_out_too(media: Media, room_is_open: bool) -> None:
    """Putting out reaches somebody who has a pass and is not inside yet, in a room that is there or not."""
    inside = await connect(media, sign(media, "anna")) if room_is_open else None
    on_the_way = sign(media, "boris")
    assert (await media.control("DELETE", f"/control/rooms/{ROOM}/members/boris"))[0] == 204
    assert await refusal(media, on_the_way) == "put-out"
    assert await people(media) == (["anna"] if inside else [])


async def test_an_encoder_that_was_put_out_does_not_come_back(media: Media) -> None:
    """Its grant is good for hours, and shown at each request: it opens nothing from then on."""
    peer = await call(media, "whip", "encoder")
    grant = sign(media, "encoder")
    assert await whip(media, grant) == 201
    await media.control("DELETE", f"/control/rooms/{ROOM}/members/encoder")
    assert await whip(media, grant) == 403
    headers = {"Authorization": f"Bearer {grant}"}
    async with media.http.delete(media.url + peer.location, headers=headers) as answer:
        assert answer.status == 404
    assert await people(media) == []


async def test_an_ended_room_stays_closed(media: Media) -> None:
    """No pass opens an ended room again, neither one of before nor one that is being signed this moment."""
    before = sign(media, "anna"), sign(media, "boris")
    await connect(media, sign(media, "clara"))
    assert (await media.control("DELETE", f"/control/rooms/{ROOM}"))[0] == 204
    assert [await refusal(media, grant) for grant in (*before, sign(media, "dora"))] == ["meeting-ended"] * 3
    assert await whip(media, sign(media, "encoder")) == 409
    assert (await media.control("PUT", f"/control/rooms/{ROOM}"))[0] == 409
    assert (await media.control("POST", f"/control/rooms/{ROOM}/recording", {"action": "start"}))[0] == 409
    assert ROOM not in media.server.rooms.rooms


async def test_a_room_that_was_empty_when_it_ended_stays_closed(media: Media) -> None:
    """Also a room that nobody was in, or that was forgotten, is closed for good."""
    assert (await media.control("DELETE", f"/control/rooms/{ROOM}"))[0] == 204
    assert await refusal(media, sign(media, "anna")) == "meeting-ended"


async def test_a_pass_is_used_once(media: Media) -> None:
    """The second use is refused and throws nobody out, whichever way it comes."""
    grant = sign(media, "boris")
    socket, _ = await connect(media, grant)
    assert await refusal(media, grant) == "grant-used"
    assert await whip(media, grant) == 401
    await socket.send_json({"type": "ping", "id": "p"})
    assert (await receive(socket, "pong"))["re"] == "p"
    await socket.close()
    assert await refusal(media, grant) == "grant-used"


async def test_an_encoders_grant_opens_no_socket(media: Media) -> None:
    """A grant that nobody signed in for serves its encoder again and again, and no page, also before WHIP took it."""
    grant = sign(media, "encoder", session="")
    assert await refusal(media, grant) == "encoder-grant"
    assert await people(media) == []
    assert [await whip(media, grant), await whip(media, grant)] == [201, 201]
    assert await refusal(media, grant) == "encoder-grant"
    assert await people(media) == ["encoder"]


async def test_a_persons_pass_is_used_once_by_whip_too(media: Media) -> None:
    """What makes a grant an encoder's is that nobody signed in for it: a page's pass does not become one by WHIP."""
    grant = sign(media, "boris", session="s1")
    assert [await whip(media, grant), await whip(media, grant)] == [201, 401]
    assert await refusal(media, grant) == "grant-used"


async def test_a_pass_ends_with_its_session(media: Media) -> None:
    """Signing out ends the stay and the passes of that session, and nobody else's."""
    socket, _ = await connect(media, sign(media, "anna", session="s1"))
    waiting, other = sign(media, "anna", session="s1"), sign(media, "anna", session="s2")
    stays, _ = await connect(media, sign(media, "boris", session="s3"))
    assert (await media.control("DELETE", "/control/sessions/s1"))[0] == 204
    assert (await receive(socket, "closed"))["reason"] == "signed_out"
    assert await refusal(media, waiting) == "grant-invalid"
    assert await people(media) == ["boris"]
    assert not stays.closed
    assert await refusal(media, other) == ""


async def test_a_pass_opens_its_room_at_one_process_only(media: Media) -> None:
    """A pass for another media process is none here: the same room must not open twice."""
    assert await refusal(media, sign(media, "anna", node="1")) == "grant-invalid"
    assert await whip(media, sign(media, "anna", node="1")) == 401
    assert await refusal(media, sign(media, "anna", node="0")) == ""


async def test_a_restart_forgets_nothing_of_it(media: Media) -> None:
    """After media has come back the same passes are void, and ended rooms closed."""
    used = sign(media, "anna")
    await connect(media, used)
    void = sign(media, "boris"), sign(media, "clara", session="s1")
    await media.control("DELETE", f"/control/rooms/{ROOM}/members/boris")
    await media.control("DELETE", "/control/sessions/s1")
    await media.control("DELETE", "/control/rooms/mt_over")
    await media.server.__aexit__()
    async with MediaServer(media.settings) as again, ClientSession() as http:
        after = Media(media.settings, GrantSigner.load(media.settings.keys), again, "", http)
        assert [await refusal(after, grant) for grant in (used, *void)] == ["grant-used", "put-out", "grant-invalid"]
        assert (await after.control("PUT", "/control/rooms/mt_over"))[0] == 409
        assert await refusal(after, sign(after, "boris")) == ""


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        (None, True), ("http://127.0.0.1:{port}", True), ("https://127.0.0.1:{port}", True),
        ("https://evil.example", False), ("http://127.0.0.1:1", False), ("http://127.0.0.1", False), ("null", False),
        ("http://127.0.0.1:{port}.evil.example", False), ("", False), ("http://x@127.0.0.1:{port}", False),
    ],
)  # fmt: skip
async def test_pages_of_other_sites_open_no_socket(media: Media, origin: str | None, fits: bool) -> None:
    """Media itself compares a browser's Origin with its Host: a proxy in front may not."""
    headers = {} if origin is None else {"Origin": origin.format(port=media.server.http_port)}
    try:
        socket = await media.http.ws_connect(media.url + "/media/ws", headers=headers)
    except WSServerHandshakeError as error:
        assert (error.status, fits) == (403, False)
    else:
        assert fits
        await socket.close()


async def test_the_public_origin_is_our_own(media: Media) -> None:
    """A page that the settings name is ours under whatever Host the request comes."""
    origin = media.settings.public_origin
    socket = await media.http.ws_connect(media.url + "/media/ws", headers={"Origin": origin, "Host": "inner"})
    await socket.close()
