from __future__ import annotations

import asyncio
import itertools
import json

import pytest
from multidict import CIMultiDictProxy

from station.live.packaging.playlist import PartLine
from tests.live.media import FPS, FakeMedia
from tests.live.reading import read
from tests.live.studio import Studio, closed, hint


def assert_problem(answer: tuple[int, bytes, CIMultiDictProxy[str]], status: int, code: str) -> None:
    """The answer is problem details (RFC 9457) that no cache keeps."""
    found, body, headers = answer
    assert found == status
    assert headers["Content-Type"].startswith("application/problem+json") and headers["Cache-Control"] == "no-store"
    told = json.loads(body)
    assert (told["type"], told["status"]) == (f"/problems/{code}", status) and told["title"]


async def test_what_is_put_on_air_can_be_decoded(studio: Studio) -> None:
    """From PUT to a playlist whose init and segments a decoder plays, frame by frame."""
    state = await studio.go_live()
    assert (state["state"], state["grant"]) == ("waiting", "valid")
    status, index, headers = await studio.get("b1/index.m3u8")
    assert status == 200
    assert b"main.m3u8" in index and b'CODECS="avc1.42C00C,mp4a.40.2",RESOLUTION=320x180' in index
    assert headers["Content-Type"] == "application/vnd.apple.mpegurl"
    text = await studio.playlist_when(lambda text: closed(text) >= 3)
    found = read(await studio.file(text))
    assert len(found.pictures) == closed(text) * 2 * FPS
    _, state = await studio.control("GET", "b1")
    assert state["state"] == "live" and state["alarm"] is None and state["viewers"] == 1


async def test_parts_of_a_segment_are_the_segment(studio: Studio) -> None:
    """The parts one after the other are, byte for byte, the closed segment that they became."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 2)
    parts = [(await studio.get(f"b1/s1.p{index}.mp4"))[1] for index in range(6)]
    status, whole, _ = await studio.get("b1/s1.mp4")
    assert status == 200 and whole == b"".join(parts)


async def test_a_blocking_request_ends_with_the_part_it_asks_for(studio: Studio) -> None:
    """The answer comes when the part is there, and has it; many viewers wait at once."""
    await studio.go_live()
    segment, part = hint(await studio.playlist())
    answers = await asyncio.gather(*(studio.playlist(query=f"?_HLS_msn={segment}&_HLS_part={part}") for _ in range(50)))
    assert all(f"s{segment}.p{part}.mp4" in text.partition("#EXT-X-PRELOAD")[0] for text in answers)


async def test_a_part_that_never_comes_does_not_hold_a_viewer(studio: Studio) -> None:
    """Asking for a part that the open segment will not have is answered with the first part of the next one."""
    await studio.go_live()
    segment, _ = hint(await studio.playlist())
    text = await studio.playlist(query=f"?_HLS_msn={segment}&_HLS_part=8")
    assert closed(text) > segment and f'URI="s{segment + 1}.p0.mp4"' in text


async def test_a_hinted_part_is_waited_for_and_an_impossible_one_is_not(studio: Studio) -> None:
    """The hinted part's bytes come as soon as they exist; any other unknown part is a 404 at once."""
    await studio.go_live()
    segment, part = hint(await studio.playlist())
    status, data, _ = await studio.get(f"b1/s{segment}.p{part}.mp4")
    assert status == 200 and data[4:8] == b"moof"
    for name in (f"s{segment}.p77.mp4", "s999.p0.mp4", "s999.mp4", "init7.mp4", "programme.json", "open.jsonl"):
        assert (await studio.get(f"b1/{name}"))[0] == 404, name


async def test_a_hint_that_its_segment_never_had_is_a_404(studio: Studio, media: FakeMedia) -> None:
    """When a segment closes earlier than expected, whoever waits for its next part is told at once."""
    await studio.go_live()
    await studio.playlist()
    await media.stop()
    await studio.state_when("state", "interrupted")
    shelf = (await studio.server.registry.get("b1")).cache
    number = shelf.playlist.closed
    shelf.playlist.open_segment(0, 0, False)
    shelf.playlist.add_part(PartLine(1 / 3, True))
    shelf.wake()
    waiting = asyncio.create_task(studio.get(f"b1/s{number}.p1.mp4"))
    while shelf.waiting == 0:
        await asyncio.sleep(0)
    shelf.playlist.close_segment(1 / 3)
    shelf.wake()
    assert (await waiting)[0] == 404


@pytest.mark.parametrize(
    "query",
    ["?_HLS_msn=-1", "?_HLS_msn=abc", "?_HLS_part=1", "?_HLS_msn=1&_HLS_part=x", "?_HLS_msn=99999", "?_HLS_msn=1e3"],
)
async def test_bad_directives_are_refused(studio: Studio, query: str) -> None:
    """What is no number, or lies far in the future, is a 400, told as problem details."""
    await studio.go_live()
    assert closed(await studio.playlist()) >= 1
    assert_problem(await studio.get(f"b1/main.m3u8{query}"), 400, "bad-directive")


async def test_a_source_that_stops_gives_503_in_time(
    studio: Studio, media: FakeMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing new, a blocking request ends after three target durations with 503, not with silence."""
    await studio.go_live()
    await studio.playlist()
    await media.stop()
    await studio.state_when("state", "interrupted")
    playlist = (await studio.server.registry.get("b1")).cache.playlist
    assert playlist.block_limit_s == 9
    monkeypatch.setattr(playlist, "_target_s", 0.1)  # the same, faster
    answer = await studio.get(f"b1/main.m3u8?_HLS_msn={playlist.closed}&_HLS_part=5")
    assert_problem(answer, 503, "nothing-new")
    assert answer[2]["Retry-After"] == "1"
    segment, part = playlist.next_part
    assert_problem(await studio.get(f"b1/s{segment}.p{part}.mp4"), 503, "nothing-new")


async def test_media_that_comes_back_is_a_discontinuity(studio: Studio, media: FakeMedia) -> None:
    """The broadcast goes on by itself, and the whole of it still decodes in order."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 1 and hint(text)[1] == 3)
    await media.stop()
    await media.start()
    text = await studio.playlist_when(lambda text: "#EXT-X-DISCONTINUITY" in text and closed(text) >= 4)
    assert text.count("#EXT-X-MAP") == 1
    pictures = read(await studio.file(text)).pictures
    assert pictures == sorted(pictures)
    assert max(b - a for a, b in itertools.pairwise(pictures)) < 0.3
    assert len(media.requests) == 2


async def test_another_person_on_air_is_a_new_source(studio: Studio, media: FakeMedia) -> None:
    """PUT with another person changes the feed; PUT with the same one does not disturb it."""
    await studio.go_live()
    await studio.playlist()
    await studio.go_live()
    await studio.go_live(person="p2")
    await studio.playlist_when(lambda text: "#EXT-X-DISCONTINUITY" in text)
    assert [person for _, person, _ in media.requests] == ["p1", "p2"]


async def test_the_end_makes_a_replay_that_survives_a_restart(studio: Studio, media: FakeMedia) -> None:
    """After DELETE the same files are a VOD playlist, waiting viewers are released, and nothing can start it again."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 2)
    await media.stop()  # so that nothing but the end can answer who waits
    await studio.state_when("state", "interrupted")
    cache = (await studio.server.registry.get("b1")).cache
    waiting = asyncio.create_task(studio.playlist(query=f"?_HLS_msn={cache.playlist.closed}"))
    while cache.waiting == 0:
        await asyncio.sleep(0)
    status, state = await studio.control("DELETE", "b1")
    assert status == 200 and state["state"] == "ended"
    assert (await waiting).endswith("#EXT-X-ENDLIST\n")
    assert (await studio.control("DELETE", "b1"))[0] == 200
    await studio.set_access(public=True)
    before = await studio.playlist()
    await studio.stop()
    await studio.start()
    assert await studio.playlist() == before
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in before
    found = read(await studio.file(before))
    assert len(found.pictures) / FPS == pytest.approx(state["duration_s"], abs=0.1)
    body = {"room": "r1", "person": "p1", "grant": studio.signer.service_token()}
    assert (await studio.control("PUT", "b1", body))[0] == 409


async def test_a_restarted_live_role_goes_on_by_itself(studio: Studio) -> None:
    """Numbers, times and all earlier segments continue; the new ones follow a discontinuity."""
    await studio.go_live()
    before = closed(await studio.playlist_when(lambda text: closed(text) >= 2 and hint(text)[1] == 2))
    await studio.stop()
    await studio.start()
    text = await studio.playlist_when(lambda text: closed(text) >= before + 3)
    assert text.count("#EXT-X-DISCONTINUITY") == 1
    pictures = read(await studio.file(text)).pictures
    assert max(b - a for a, b in itertools.pairwise(pictures)) < 0.3


async def test_only_a_service_grant_controls(studio: Studio) -> None:
    """No token, rubbish, a participant's grant: refused. So is a body without a grant that media would take."""
    from station.base.grants import Grant, Right

    guest = studio.signer.sign(Grant("r1", "p1", "Guest", frozenset({Right.MANAGE}), 2**40))
    for token in ("", "rubbish"):
        assert (await studio.control("GET", "b1", token=token))[0] == 401
    for method in ("GET", "PUT", "DELETE"):
        assert (await studio.control(method, "b1", {}, token=guest))[0] == 403
    bodies: tuple[object, ...] = (
        {},
        [],
        {"room": "r1", "person": "p1", "grant": "rubbish"},
        {"room": 1, "person": 2, "grant": 3},
    )
    for body in bodies:
        assert (await studio.control("PUT", "b1", body))[0] == 422


@pytest.mark.parametrize("name", ["%2E%2E", ".hidden", "a%2Fb", "a" * 80, "b%00"])
async def test_names_that_could_leave_the_folder_are_refused(studio: Studio, name: str) -> None:
    """No such broadcast can be made, asked about or watched."""
    body = {"room": "r1", "person": "p1", "grant": studio.signer.service_token()}
    assert (await studio.control("PUT", name, body))[0] in (404, 422)
    assert (await studio.get(f"{name}/main.m3u8"))[0] == 404
    bad_room = {**body, "room": "../x"}
    assert (await studio.control("PUT", "b1", bad_room))[0] == 422


async def test_a_grant_that_has_run_out_is_told(studio: Studio, media: FakeMedia) -> None:
    """Media refuses, state says so; a new grant brings the broadcast on air."""
    media.status = 401
    await studio.go_live(ttl_s=1)

    await studio.state_when("grant", "expired")
    media.status = 200
    await studio.go_live()
    await studio.state_when("state", "live")


async def test_head_and_ranges_are_answered(studio: Studio) -> None:
    """HEAD tells the length without a body; a range of a closed segment is partial content."""
    await studio.go_live()
    await studio.playlist()
    async with studio.http.head(f"{studio.url}/live/b1/s0.mp4") as answer:
        assert answer.status == 200 and int(answer.headers["Content-Length"]) > 1000
    async with studio.http.head(f"{studio.url}/live/b1/main.m3u8") as answer:
        assert answer.status == 200
    status, body, _ = await studio.get("b1/s0.mp4", Range="bytes=4-7")
    assert (status, body) == (206, b"moof")


async def test_a_broadcast_nobody_started_is_not_there(studio: Studio) -> None:
    """404 for its state and for its files."""
    assert (await studio.control("GET", "b9"))[0] == 404
    assert (await studio.get("b9/index.m3u8"))[0] == 404


async def test_a_part_far_ahead_is_refused_at_once(studio: Studio) -> None:
    """`_HLS_part` past the advance limit is a mistake of the player, not something to wait for."""
    await studio.go_live()
    text = await studio.playlist_when(lambda text: closed(text) >= 2)
    segment, _ = hint(text)
    assert_problem(await studio.get(f"b1/main.m3u8?_HLS_msn={segment + 1}&_HLS_part=60"), 400, "bad-directive")


async def test_players_on_other_sites_may_read_everything(studio: Studio) -> None:
    """Playlists, segments and errors carry the header; OPTIONS says what may be asked for, and HEAD is answered."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 1)
    for file, expected in (("index.m3u8", 200), ("main.m3u8", 200), ("s0.mp4", 200), ("init.mp4", 200), ("no", 404)):
        for method in ("GET", "HEAD", "OPTIONS"):
            origin = {"Origin": "https://district.example", "Access-Control-Request-Method": "GET"}
            async with studio.http.request(method, f"{studio.url}/live/b1/{file}", headers=origin) as answer:
                assert answer.status == (204 if method == "OPTIONS" else expected), (method, file)
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                assert "Range" in answer.headers["Access-Control-Allow-Headers"]
