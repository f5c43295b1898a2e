"""The pages of cases, through the whole web application."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio

from station.base.errors import BadInput
from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases import service
from station.cases.model import CaseState, Grade
from station.cases.pages.forms import parse_days
from station.demo.cases import seed_cases
from station.demo.directory import seed_directory
from tests.cases.conftest import CITIZEN, CLERK, DEPUTY, UNIT, Town
from tests.fixtures import Person, seed

NewPerson = Callable[..., Awaitable[Person]]


@pytest_asyncio.fixture
async def demo_town(station: Station) -> Town:
    """The town with the demo's cases."""
    await seed(station, seed_directory, seed_cases)
    return Town(station)


def words_of(page: str) -> str:
    """The page as it is read, without tags."""
    return re.sub(r"<[^>]+>", "", page)


async def test_the_journey_of_a_case_through_forms(town: Town, new_person: NewPerson) -> None:
    """Clerk accepts and assigns, unit replies, citizen rates, clerk concludes: all with plain forms."""
    case = await town.noted()
    clerk, unit, citizen = [await new_person(f"ac_demo_{name}") for name in ("clerk", "unit", "citizen")]
    assert case.number in await clerk.get("/desk/cases")
    assert "交给谁办" in await clerk.post(f"/desk/cases/{case.id}/accept")
    page = await clerk.post(
        f"/desk/cases/{case.id}/assign", unit="un_demo_housing", category="general", days="5", look="1"
    )
    assert "最迟 10月19日（周一）答复" in page
    page = await clerk.post(f"/desk/cases/{case.id}/assign", unit="un_demo_housing", category="general")
    assert "10月26日（周一）" in page
    assert "柳荫路" in await unit.get("/unit")
    page = await citizen.get(f"/cases/{case.id}")
    assert "区住房和城乡建设局最迟 10月26日（周一）答复您" in words_of(page) and "还有 10 个工作日" in page
    await unit.post(f"/unit/cases/{case.id}/reply", text="灯换好了", outcome="solved")
    assert "等您打分" in await citizen.get(f"/cases/{case.id}")
    page = await citizen.post(f"/cases/{case.id}/rate", status=422, grade="2", remark="")
    assert "有 1 处要改" in page and re.search(r'value="2"\s+checked', page)
    assert "打分：满意" in await citizen.post(f"/cases/{case.id}/rate", grade="4")
    await clerk.post(f"/desk/cases/{case.id}/conclude")
    assert (await service.read_case(town.station, case.id)).state is CaseState.CONCLUDED
    assert "这件事已经办结" in await citizen.get(f"/cases/{case.id}")


async def test_a_page_that_lay_open_acts_on_what_it_shows(town: Town, new_person: NewPerson) -> None:
    """A reply of another round is neither published, rated nor concluded by an old page; the new one is."""
    case = await town.replied()
    clerk, citizen = await new_person("ac_demo_clerk"), await new_person("ac_demo_citizen")
    at_desk = seen_by(await clerk.get(f"/desk/cases/{case.id}"))
    at_home = seen_by(await citizen.get(f"/cases/{case.id}/rate"))
    await citizen.post(f"/cases/{case.id}/rate", grade="1", remark="还是不亮", seen=at_home)
    await service.reply_case(town.station, UNIT, case.id, "换了新线路", "solved")
    await clerk.post(f"/desk/cases/{case.id}/publish", status=409, title="路灯", reply="灯已换好", seen=at_desk)
    await clerk.post(f"/desk/cases/{case.id}/conclude", status=409, seen=at_desk)
    await citizen.post(f"/cases/{case.id}/rate", status=409, grade="5", seen=at_home)
    newest = seen_by(await clerk.get(f"/desk/cases/{case.id}"))
    await clerk.post(f"/desk/cases/{case.id}/publish", title="路灯", reply="换了新线路", seen=newest)
    await citizen.post(f"/cases/{case.id}/rate", grade="5", seen=seen_by(await citizen.get(f"/cases/{case.id}/rate")))


async def test_an_old_page_does_not_publish_what_was_recalled(town: Town, new_person: NewPerson) -> None:
    """Who has the published case open does not publish it once more after a colleague has taken it back."""
    case = await town.replied()
    clerk = await new_person("ac_demo_clerk")
    await service.publish_case(town.station, CLERK, case.id, "路灯", "换好了")
    opened = seen_by(await clerk.get(f"/desk/cases/{case.id}"))
    await service.recall_case(town.station, CLERK, case.id, "写了门牌")
    await clerk.post(f"/desk/cases/{case.id}/publish", status=409, title="路灯", reply="换好了", seen=opened)
    assert not (await service.read_case(town.station, case.id)).published


async def test_words_of_a_second_tab_are_not_lost_with_its_rating(town: Town, new_person: NewPerson) -> None:
    """The second rating is refused; its words are shown at the case, with a way to send them that is still open."""
    case, citizen = await town.replied(), await new_person("ac_demo_citizen")
    await citizen.post(f"/cases/{case.id}/rate", grade="5")
    refused = await citizen.post(f"/cases/{case.id}/rate", status=409, grade="4", remark="灯罩还是松的")
    assert f'href="/cases/{case.id}/rate"' in refused
    page = await citizen.get(f"/cases/{case.id}/rate")
    box = page.partition('id="kept"')[2].partition("</section>")[0]
    assert "灯罩还是松的</textarea>" in box and "刚才的打分没有交上" in box
    assert f'action="/cases/{case.id}/notes"' in box and f'action="{case.id}/rate"' not in page
    kept = re.search(r'name="kept" value="([^"]*)"', box)
    assert kept
    sent = await citizen.post(f"/cases/{case.id}/notes", reason="灯罩还是松的", kept=kept[1])
    assert "刚才的打分没有交上" not in sent


async def test_a_kept_form_says_what_its_page_shows_by_now(town: Town, new_person: NewPerson) -> None:
    """Sent again without a script, words stand for the page on which they are shown, under the key that they had."""
    case, clerk = await town.replied(), await new_person("ac_demo_clerk")
    path, key = f"/desk/cases/{case.id}", "a-key-of-a-form-kept"
    opened = seen_by(await clerk.get(path))
    await service.publish_case(town.station, CLERK, case.id, "路灯", "换好了")
    await clerk.post(f"{path}/publish", status=409, title="东门路灯", reply="都亮了", seen=opened, form_key=key)
    again = (await clerk.get(path)).partition("data-again>")[2].partition("</form>")[0]
    assert seen_by(again) == "1ap" and f'name="form_key" value="{key}"' in again
    await clerk.post(f"{path}/publish", title="东门路灯", reply="都亮了", seen=seen_by(again), form_key=key)
    assert (await service.read_case(town.station, case.id)).public_title == "东门路灯"


def seen_by(page: str) -> str:
    """What a page says that its form shows."""
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found, words_of(page)
    return found[1]


async def test_a_stranger_sees_no_personal_data(town: Town, new_person: NewPerson) -> None:
    """The public page shows number and unit, not the matter, nor names of citizen and staff, nor the recording."""
    case = await town.replied()
    guest = await new_person()
    page = await guest.get(f"/cases/{case.id}")
    assert case.number in page and "内容审核后公开" in page and "区住房和城乡建设局" in page
    for secret in ("柳荫路", "赵玉梅", "13800001234", "许志远", "何晓雯", "/replay/", "灯已换好"):
        assert secret not in page, secret
    await service.publish_case(town.station, CLERK, case.id, "路灯不亮", "换好了")
    assert "换好了" in await guest.get(f"/cases/{case.id}")
    assert "路灯不亮" in await guest.get("/cases?q=2026-0001")


async def test_the_open_data(town: Town, new_person: NewPerson) -> None:
    """The API shows what the public page shows, by page and by number."""
    import json

    case = await town.replied()
    guest = await new_person()
    listed = json.loads(await guest.get("/api/v1/cases"))
    assert listed["total"] == 1 and listed["items"][0]["number"] == case.number
    one = json.loads(await guest.get("/api/v1/cases/2026-0001"))
    assert one["title"] is None and one["state"] == "replied" and "赵玉梅" not in json.dumps(one, ensure_ascii=False)
    for unknown in ("2026-9999", "x", "417"):
        await guest.get(f"/api/v1/cases/{unknown}", status=404)


WRONG = [
    ("clerk", "/desk/cases/{id}/assign", {"unit": "", "category": "general"}, "请选主办单位"),
    ("clerk", "/desk/cases/{id}/assign", {"unit": "un_demo_housing", "category": "general", "days": "ten"}, "1 到 60"),
    ("clerk", "/desk/cases/{id}/assign", {"unit": "un_demo_housing", "category": "nothing"}, "请选事项的种类"),
    ("clerk", "/desk/cases/{id}/decline", {"code": ""}, "请选一个不予受理的理由"),
    ("clerk", "/desk/cases/{id}/publish", {"title": "", "reply": ""}, "请写公开的标题"),
    ("citizen", "/cases/{id}/notes", {"reason": ""}, "请写要补充的情况"),
]


@pytest.mark.parametrize(("who", "path", "fields", "told"), WRONG)
async def test_faults_are_shown_at_the_form(
    town: Town, new_person: NewPerson, who: str, path: str, fields: dict[str, str], told: str
) -> None:
    """A form with a fault comes back with 422, the fault in words, and nothing has changed."""
    case = await town.noted()
    if "assign" in path:
        await service.accept_case(town.station, CLERK, case.id)
    before = (await service.read_case(town.station, case.id)).state
    person = await new_person(f"ac_demo_{who}")
    page = await person.post(path.format(id=case.id), status=422, **fields)
    assert told in page and "errsum" in page
    assert (await service.read_case(town.station, case.id)).state is before


@pytest.mark.parametrize("form", ["reply", "return", "extension", "notes"])
async def test_faults_of_the_units_forms(town: Town, new_person: NewPerson, form: str) -> None:
    """An empty form of the unit comes back with 422 and its own field marked."""
    case = await town.assigned()
    unit = await new_person("ac_demo_unit")
    page = await unit.post(f"/unit/cases/{case.id}/{form}", status=422, form=form.removesuffix("s"))
    assert page.count('aria-invalid="true"') == 1


TOO_LONG = "这是写了很久、不能丢的话。" * 200
DESK_FORMS = [
    ("decline", {"code": "court", "referral": TOO_LONG}),
    ("recall", {"form": "recall", "reason": TOO_LONG}),
    ("notes", {"form": "note", "reason": TOO_LONG}),
    ("publish", {"title": "路灯不亮", "reply": TOO_LONG * 2}),
]


def check_refusal(page: str, typed: str) -> None:
    """What was typed stands in the field that is marked, in a fold that is open, and the summary leads there."""
    field = re.search(r'<textarea[^>]* id="([^"]+)"[^>]*aria-invalid="true"[^>]*>([^<]*)</textarea>', page)
    assert field and field[2] == typed and f'<a href="#{field[1]}">太长了，请缩短一些</a>' in page
    folds = re.findall(r"<details([^>]*)>", page[: field.start()])
    assert page[: field.start()].count("</details>") == len(folds) or "open" in folds[-1]


@pytest.mark.parametrize(("form", "sent"), DESK_FORMS)
async def test_words_too_long_for_the_desk_are_not_lost(
    town: Town, new_person: NewPerson, form: str, sent: dict[str, str]
) -> None:
    """The clerk's words come back whole with their own field marked: none are thrown away, none cut off unseen."""
    case = await town.noted()
    if form == "recall":
        await service.publish_case(town.station, CLERK, case.id, "路灯不亮", "")
    clerk = await new_person("ac_demo_clerk")
    before = await service.read_case(town.station, case.id)
    page = await clerk.post(f"/desk/cases/{case.id}/{form}", status=422, **sent)
    check_refusal(page, next(words for words in sent.values() if words.startswith(TOO_LONG)))
    assert await service.read_case(town.station, case.id) == before


async def test_words_too_long_on_an_extension_are_not_lost(town: Town, new_person: NewPerson) -> None:
    """The clerk's word on an extension is refused whole, not cut, and the request still waits."""
    case = await town.assigned()
    unit, clerk = await new_person("ac_demo_unit"), await new_person("ac_demo_clerk")
    await unit.post(f"/unit/cases/{case.id}/extension", form="extension", reason="等配件")
    sent = {"form": "decision", "decision": "refuse", "reason": TOO_LONG}
    check_refusal(await clerk.post(f"/desk/cases/{case.id}/extension", status=422, **sent), TOO_LONG)
    assert "同意，延" in await clerk.get(f"/desk/cases/{case.id}")


async def test_steps_out_of_turn_and_strangers(town: Town, new_person: NewPerson) -> None:
    """A second click is a conflict, an id that is none is not found, another's case cannot be rated."""
    case = await town.replied()
    clerk, stranger = await new_person("ac_demo_clerk"), await new_person("ac_demo_citizen2")
    await clerk.post(f"/desk/cases/{case.id}/accept", status=409)
    await clerk.get("/desk/cases/cs_nothing", status=404)
    await clerk.get("/cases/..%2Fx", status=404)
    await stranger.post(f"/cases/{case.id}/rate", status=403, grade="5")
    await stranger.post(f"/cases/{case.id}/rate", status=403, grade="9")
    assert "等群众打分" in await stranger.get(f"/cases/{case.id}/rate")


async def test_oversight_with_the_demo(demo_town: Town, new_person: NewPerson) -> None:
    """Figures come from rows; a card is issued by hand and withdrawn with a reason."""
    supervisor = await new_person("ac_demo_supervisor")
    page = await supervisor.get("/oversight")
    assert "要督办的" in page and "<svg" in page and "区城市管理局" in page
    await supervisor.get("/oversight?month=2026-09")
    await supervisor.get("/oversight?month=rubbish")
    late = re.search(r"/oversight/cases/(cs_\w+)", page)
    assert late
    await supervisor.post(f"/oversight/cases/{late[1]}/cards", status=422, reason="x")
    assert "收回" in await supervisor.post(f"/oversight/cases/{late[1]}/cards", colour="red", reason="没有说明")
    cards = await supervisor.get("/oversight/cards")
    card = re.search(r"/oversight/cards/(cd_\w+)/withdraw", cards)
    assert card
    await supervisor.post(f"/oversight/cards/{card[1]}/withdraw", status=422, reason="")
    check_refusal(await supervisor.post(f"/oversight/cards/{card[1]}/withdraw", status=422, reason=TOO_LONG), TOO_LONG)
    assert "已收回：查明无责" in await supervisor.post(f"/oversight/cards/{card[1]}/withdraw", reason="查明无责")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_every_page_renders_in_both_languages(demo_town: Town, new_person: NewPerson, language: str) -> None:
    """With the demo's cases in all states no page breaks, and the English one speaks no Chinese of ours."""
    people = {name: await new_person(f"ac_demo_{name}") for name in ("clerk", "unit", "supervisor", "citizen")}
    cases = [line.case for line in (await service.list_public(demo_town.station, size=100)).lines]
    paths = [("citizen", "/cases"), ("citizen", "/cases/rules"), ("clerk", "/desk/cases")]
    paths += [("unit", "/unit"), ("supervisor", "/oversight"), ("supervisor", "/oversight/cards")]
    for case in [c for c in cases if c.state is not CaseState.CONCLUDED] + cases[-1:]:
        paths += [("clerk", f"/desk/cases/{case.id}")] if case.deputy_id == DEPUTY.scope else []
        paths += [("citizen", f"/cases/{case.id}")]
        paths += [("supervisor", f"/oversight/cases/{case.id}"), ("unit", f"/unit/cases/{case.id}")]
    for who, path in paths:
        people[who].headers = {"Accept-Language": language}
        page = await people[who].get(path)
        if language == "en":
            for ours in ("接下来", "办到哪一步了", "工作日", "这件事", "期限怎么定的"):
                assert ours not in page, (path, ours)


async def test_the_rating_page_of_a_deputy(town: Town, new_person: NewPerson) -> None:
    """Where no citizen asked, the deputy rates on the same page."""
    case = await town.noted(citizen=None)
    await service.accept_case(town.station, CLERK, case.id)
    await service.assign_case(town.station, CLERK, case.id, "un_demo_housing")
    handler = Principal("ac_demo_unit", Role.UNIT, "许志远", "un_demo_housing")
    await service.reply_case(town.station, handler, case.id, "办好了", "solved")
    deputy = await new_person("ac_demo_deputy1")
    assert "您满意吗" in await deputy.get(f"/cases/{case.id}/rate")
    await deputy.post(f"/cases/{case.id}/rate", grade="5")


async def test_a_rated_case_shows_the_grade_to_all_and_the_remark_to_parties(town: Town, new_person: NewPerson) -> None:
    """Strangers see the grade, not what the citizen wrote."""
    case = await town.replied()
    await service.rate_case(town.station, CITIZEN, case.id, Grade.BAD, "第二盏还是不亮")
    guest, clerk = await new_person(), await new_person("ac_demo_clerk")
    page = await guest.get(f"/cases/{case.id}")
    assert "打分：不满意" in page and "第二盏" not in page
    assert "第二盏" in await clerk.get(f"/desk/cases/{case.id}")


@pytest.mark.parametrize("page", ["0", "-1", "²", "九", "1" * 5000, "0" * 5000 + "1", "１"])
async def test_no_page_number_is_an_error_of_ours(new_person: NewPerson, page: str) -> None:
    """What is no number of a page shows the first one; digits of a Chinese keyboard are digits."""
    guest = await new_person()
    for path in ("/cases", "/deputies", "/api/v1/cases"):
        await guest.get(f"{path}?page={page}&q=路灯")


@pytest.mark.parametrize(("typed", "days"), [("５", 5), (" 5\u200b", 5), ("", None), ("\u3164", None)])
def test_days_are_days_in_any_digits(typed: str, days: int | None) -> None:
    """A number typed on a Chinese keyboard is the number."""
    assert parse_days(typed) == days


@pytest.mark.parametrize("typed", ["五", "5.5", "-5", "1" * 5000, "●"])
def test_what_is_no_number_of_days_is_told(typed: str) -> None:
    """Anything else is told at its field."""
    with pytest.raises(BadInput) as caught:
        parse_days(typed)
    assert "days" in caught.value.fields


async def test_an_old_answer_is_not_published_as_the_new_one(town: Town, new_person: NewPerson) -> None:
    """The unit answers again while the clerk's page holds the first answer: what it holds is not taken."""
    case = await town.replied()
    await service.publish_case(town.station, CLERK, case.id, "路灯不亮", "第一次的答复")
    await service.rate_case(town.station, CITIZEN, case.id, Grade.BAD, "还是不亮")
    clerk = await new_person("ac_demo_clerk")
    page = await clerk.get(f"/desk/cases/{case.id}")
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen and "第一次的答复" in page
    await service.reply_case(town.station, UNIT, case.id, "第二次：换了线", "solved")
    sent = {"title": "路灯不亮", "reply": "第一次的答复", "seen": seen[1]}
    await clerk.post(f"/desk/cases/{case.id}/publish", status=409, **sent)
    guest = await new_person()
    assert "第一次的答复" not in await guest.get(f"/cases/{case.id}")
    page = await clerk.get(f"/desk/cases/{case.id}")
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen
    await clerk.post(f"/desk/cases/{case.id}/publish", title="路灯不亮", reply="第二次：换了线", seen=seen[1])
    assert "第二次：换了线" in await guest.get(f"/cases/{case.id}")


async def test_what_was_typed_goes_along_when_its_page_sends_one_on(town: Town, new_person: NewPerson) -> None:
    """A case concluded while its asker wrote the rating: nothing is lost, as the error says, and the case shows it."""
    remark = "没有人来看过，第二盏还是不亮，请再派人来"
    case = await town.replied()
    citizen = await new_person(CITIZEN.account)
    await service.rate_case(town.station, CITIZEN, case.id, Grade.GOOD)
    await service.conclude_case(town.station, CLERK, case.id)
    text = await citizen.post(f"/cases/{case.id}/rate", status=409, grade="2", remark=remark)
    assert "没有丢" in text
    way = re.search(r'class="btn btn-main" href="([^"]+)"', text)
    assert way and way[1] == f"/cases/{case.id}/rate"
    for path in (way[1], f"/cases/{case.id}"):
        page = await citizen.get(path)
        assert "已办结" in page and f">\n{remark}</textarea>" in page and "请打电话给联络站" in page
    await citizen.post("/kept-forms/discard", action=way[1], page=f"/cases/{case.id}")
    assert remark not in await citizen.get(way[1])
