"""The word on a person's line: the rules, and the page over a real room with a line that loses."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from station.base.principal import Principal
from station.base.station import Station
from station.meeting.admission import sign_grant
from station.meeting.model import Meeting
from station.nodes import insight as told
from station.nodes.insight import Down, Given, Layer, Line, Person, RoomInsight, Sent, Up
from station.nodes.media_client import get_insight
from station.quality.figures import rows_of
from station.quality.verdict import Reason, Verdict, Word, judge_room
from station.rtc.insight import insight as media
from tests.meeting.conftest import DEPUTY, Enter, Roles
from tests.meeting.test_lobby import open_hearing
from tests.meeting.test_pages import NewPerson, visitor  # noqa: F401  a fixture

LINE = Line(connected=True, transport="udp", network="203.0.113.0/24", round_trip_ms=40)


SLOW = msgspec.structs.replace(LINE, round_trip_ms=480)
PAUSED = Given("tk_boris", "boris", "camera", "video", is_paused=True, best_height=720)


def sends(**layer: Any) -> Sent:
    return Sent("tk_1", "camera", "video", "h264", layers=[Layer(is_sending=True, height=720, packets=500, **layer)])


def person(name: str, *sent: Sent, given: tuple[Given, ...] = (), line: Line = LINE, **down: Any) -> Person:
    return Person(name, name, Up(line, list(sent)), [Down(line, tracks=list(given), **down)])


def watches(of: str, **more: Any) -> Given:
    defaults = {"is_given": True, "height": 720, "best_height": 720, "frames_per_s": 25.0}
    return Given(f"tk_{of}", of, "camera", "video", **{**defaults, **more})


def verdict(*people: Person, of: str = "anna") -> Verdict:
    return judge_room(RoomInsight(list(people)))[of]


def said(reason: Reason) -> str:
    return reason.text % reason.values


def test_an_encoder_with_b_frames_is_told_what_to_change() -> None:
    """Pictures out of order are a weakness of the encoder, and the advice is for it."""
    found = verdict(person("anna", msgspec.structs.replace(sends(), has_b_frames=True)))
    assert (found.word, "B 帧" in found.reasons[0].text, "编码器" in found.advice) == (Word.WEAK, True, True)


@pytest.mark.parametrize(
    ("anna", "word", "text"),
    [
        (person("anna", sends(loss=0.01)), Word.GOOD, ""),
        (person("anna", sends(loss=0.06)), Word.WEAK, "上行丢包 6%：他的网络较弱"),
        (person("anna", sends(loss=0.2)), Word.BAD, "上行丢包 20%：他的网络较弱"),
        (person("anna", loss=0.08), Word.WEAK, "下行丢包 8%：他的网络较弱"),
        (person("anna", line=SLOW), Word.WEAK, "往返 480 毫秒：说的话会晚到"),
        (person("anna", queue_ms=450), Word.BAD, "下行排队 450 毫秒：带宽快不够了"),
        (person("anna", given=(PAUSED,)), Word.BAD, "下行带宽不足，画面已暂停"),
        (person("anna", given=(watches("boris", height=180),)), Word.WEAK, "下行带宽不足，看到的是小画面"),
        (person("anna", given=(watches("boris", height=180, shown_height=200),)), Word.GOOD, ""),
        (person("anna", given=(watches("boris", freezes=3, frozen_s=2.5),)), Word.WEAK, "他看到的画面卡顿 3 次"),
        (
            person("anna", given=(Given("tk_2", "boris", "microphone", "audio", is_given=True, concealed=0.08),)),
            Word.WEAK,
            "他听到的声音断续，有 8% 是补出来的",
        ),
        (
            person("anna", Sent("tk_1", "microphone", "audio", layers=[Layer(packets=900)])),
            Word.BAD,
            "声音传不上来了",
        ),
        (person("anna", Sent("tk_1", "camera", "video", muted=True, layers=[Layer(packets=9)])), Word.GOOD, ""),
        (
            person("anna", Sent("tk_1", "camera", "video", layers=[Layer("l", 180, True), Layer("h", 720, False)])),
            Word.WEAK,
            "上行带宽不足，只传来小画面（180 行）",
        ),
        (Person("anna"), Word.UNKNOWN, ""),
    ],
)  # fmt: skip
def test_each_fault_has_its_word_and_its_sentence(anna: Person, word: Word, text: str) -> None:
    """What is felt is said in one sentence, with something to try; what is not felt is not spoken of."""
    judged = verdict(anna)
    assert judged.word is word
    assert [said(reason) for reason in judged.reasons] == ([text] if text else [])
    assert bool(judged.advice) == bool(text)


def test_the_worst_comes_first() -> None:
    """Of several reasons the worst gives the word and the advice."""
    judged = verdict(person("anna", sends(loss=0.06), queue_ms=500))
    assert judged.word is Word.BAD
    assert [said(reason)[:4] for reason in judged.reasons] == ["下行排队", "上行丢包"]
    assert judged.advice == judged.reasons[0].advice


def test_tcp_is_named_only_where_something_is_wrong() -> None:
    """A line over TCP that works is good; with trouble it is part of why."""
    over_tcp = msgspec.structs.replace(LINE, transport="tcp")
    assert verdict(person("anna", sends(), line=over_tcp)).word is Word.GOOD
    judged = verdict(person("anna", sends(loss=0.06), line=over_tcp))
    assert any("TCP" in said(reason) for reason in judged.reasons)


def test_a_frozen_picture_is_blamed_on_whose_line_is_at_fault() -> None:
    """On the publisher whose line loses, or whose picture stands still for all; else on the one who watches."""
    frozen = watches("anna", freezes=4, frozen_s=3.0)
    losing = person("anna", sends(loss=0.1))
    assert verdict(losing, person("boris", given=(frozen,)), of="boris").word is Word.GOOD
    both = [person(name, given=(frozen,)) for name in ("boris", "clara")]
    assert said(verdict(person("anna", sends()), *both).reasons[0]) == "别人看他的画面卡顿 4 次"
    assert verdict(person("anna", sends()), *both, of="clara").word is Word.GOOD
    one = [person("boris", given=(frozen,)), person("clara", given=(watches("anna"),))]
    assert verdict(person("anna", sends()), *one).word is Word.GOOD
    assert verdict(person("anna", sends()), *one, of="boris").word is Word.WEAK


def test_the_page_reads_what_media_tells() -> None:
    """Every field that is read here is one that media's snapshot has, with the same default."""
    pairs: list[tuple[type[msgspec.Struct], type[msgspec.Struct]]] = [
        (told.Line, media.LineInsight), (told.Layer, media.LayerInsight), (told.Sent, media.SentInsight),
        (told.Given, media.GivenInsight), (told.Up, media.UpInsight), (told.Down, media.DownInsight),
        (told.Person, media.PersonInsight), (told.RoomInsight, media.RoomInsight),
    ]  # fmt: skip
    for ours, theirs in pairs:
        there = {field.name: field.default for field in msgspec.structs.fields(theirs)}
        for field in msgspec.structs.fields(ours):
            assert field.name in there, (ours, field.name)
            left_out = there[field.name]
            if isinstance(left_out, int | float | str | None):  # else it is always told
                assert field.default == left_out, (ours, field.name)


def test_there_are_at_most_five_rows_a_person() -> None:
    """However many are in the room: what is received is one row a kind, with the worst of each figure."""
    sources = {"camera": "video", "screen": "video", "microphone": "audio"}
    sent = [Sent(f"tk_{source}", source, kind) for source, kind in sources.items()]
    given = [watches(f"p{n}", frames_per_s=float(n), is_paused=n == 7, is_given=n != 7) for n in range(1, 60)]
    sounds = [Given(f"tk_s{n}", f"p{n}", "microphone", "audio", is_given=True, concealed=n / 100) for n in range(9)]
    rows = rows_of(person("anna", *sent, given=(*given, *sounds)))
    assert len(rows) == 5
    pictures, heard = rows[3:]
    assert (pictures.count, pictures.frames_per_s, pictures.paused) == (59, 1, 1)
    assert (heard.count, heard.concealed_percent, heard.height) == (9, 8, None)
    assert {field.name for field in fields(pictures)} >= {"kbit_per_s", "loss_percent", "jitter_ms"}


@asynccontextmanager
async def encoder(town: Station, who: Principal, meeting: Meeting) -> AsyncIterator[RTCPeerConnection]:
    """Somebody who publishes camera and microphone to the real room."""
    signed = await sign_grant(town, who, meeting.id)
    connection = RTCPeerConnection()
    connection.addTrack(VideoStreamTrack())
    connection.addTrack(AudioStreamTrack())
    await connection.setLocalDescription(await connection.createOffer())
    headers = {"Authorization": f"Bearer {signed.grant}", "Content-Type": "application/sdp"}
    url = f"{town.settings.media_urls['0']}/whip/{meeting.id}"
    sdp = connection.localDescription.sdp
    async with ClientSession() as http, http.post(url, data=sdp, headers=headers) as answer:
        assert answer.status == 201
        await connection.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))
    yield connection
    await connection.close()


async def until(town: Station, meeting: Meeting, condition: Callable[[Person, Verdict], bool]) -> None:
    """Waits until the deputy's line is so."""
    async with asyncio.timeout(40):
        while True:
            room = await get_insight(town, meeting.id)
            found = [one for one in room.people if one.person == DEPUTY.account]
            if found and condition(found[0], judge_room(room)[DEPUTY.account]):
                return
            await asyncio.sleep(0.3)


def loses(one: Person, judged: Verdict) -> bool:
    return judged.word in (Word.WEAK, Word.BAD) and any("上行丢包" in reason.text for reason in judged.reasons)


async def test_a_line_that_loses_is_told_and_why(town: Station, roles: Roles, visitor: NewPerson) -> None:  # noqa: F811
    """A whole line is good; once every eighth datagram is lost the page says weak or bad, why, and what helps."""
    hearing = await open_hearing(town)
    clerk = await visitor("ac_demo_clerk")
    path = f"/meet/{hearing.id}/quality"
    assert "会场里现在没有人" in await clerk.get(path)
    is_lossy = [False]
    dice = random.Random(5)
    roles.media.port.lose(lambda: is_lossy[0] and dice.random() < 0.12)
    async with encoder(town, DEPUTY, hearing):
        await until(town, hearing, lambda one, judged: judged.word is Word.GOOD and len(one.sent) == 2)
        page = await clerk.get(path)
        assert "林秀兰代表" in page and "听得清，看得清" in page and "sign-done" in page
        is_lossy[0] = True
        await until(town, hearing, loses)
        page = await clerk.get(path)
        assert "上行丢包" in page and "请他靠近路由器" in page
        assert "sign-soon" in page or "sign-late" in page
        clerk.headers = {"Accept-Language": "en"}
        page = await clerk.get(path)
        assert "Upload loses" in page and "move closer to the router" in page
        assert "丢包" not in page


async def test_the_report_has_no_names(town: Station, roles: Roles, visitor: NewPerson, enter: Enter) -> None:  # noqa: F811
    """A file to download, with the last minutes of the room and nothing by which to know a person."""
    hearing = await open_hearing(town)
    await enter(town, DEPUTY, hearing.id)
    for at_s in range(3):
        await roles.media.insights.take(float(at_s))
    clerk = await visitor("ac_demo_clerk")
    async with clerk.client.get(f"/meet/{hearing.id}/quality/report.json") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="station-room-report-')
        text = await answer.text()
    report = json.loads(text)
    assert (report["meeting"], len(report["snapshots"])) == (hearing.id, 3)
    assert DEPUTY.account not in text and "林秀兰" not in json.dumps(report, ensure_ascii=False)


async def test_who_does_not_run_the_meeting_does_not_see_it(town: Station, roles: Roles, visitor: NewPerson) -> None:  # noqa: F811
    """Its deputy, clerks and administrators; another deputy and citizens are turned away, from page and file."""
    hearing = await open_hearing(town)
    for account, status in (
        ("ac_demo_deputy1", 200), ("ac_demo_admin", 200), ("ac_demo_deputy2", 403), ("ac_demo_citizen", 403),
    ):  # fmt: skip
        someone = await visitor(account)
        for path in (f"/meet/{hearing.id}/quality", f"/meet/{hearing.id}/quality/report.json"):
            await someone.get(path, status=status)


async def test_the_desks_lead_to_the_page(town: Station, visitor: NewPerson) -> None:  # noqa: F811
    """The clerk's page of a hearing and its deputy's day link to it; another deputy's day does not."""
    hearing = await open_hearing(town)
    for account, path in (("ac_demo_deputy1", "/deputy"), ("ac_demo_clerk", f"/desk/hearings/{hearing.id}")):
        assert f"/meet/{hearing.id}/quality" in await (await visitor(account)).get(path)
    assert f"/meet/{hearing.id}/quality" not in await (await visitor("ac_demo_deputy2")).get("/deputy")


async def test_the_page_is_of_use_while_media_is_away(town: Station, visitor: NewPerson) -> None:  # noqa: F811
    """It says so, and that it comes back; the file is not there, with a sentence."""
    hearing = await open_hearing(town)
    clerk = await visitor("ac_demo_clerk")
    assert "会场服务正在恢复" in await clerk.get(f"/meet/{hearing.id}/quality")
    await clerk.get(f"/meet/{hearing.id}/quality/report.json", status=503)
