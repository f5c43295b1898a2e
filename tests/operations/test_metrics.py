"""What monitors are told: requests, sign-ins, and what waits in the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from station.base import jobs
from station.base.heartbeats import beat
from station.base.station import Station
from station.demo.logins import DEMO_ACCOUNTS
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]


async def figures(person: Person) -> dict[tuple[str, ...], float]:
    """Each sample by its name and label values, in the order of the labels' names."""
    text = await person.get("/metrics")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_requests_and_sign_ins_are_counted(new_person: NewPerson) -> None:
    """By route, not by path, and with the status; a refused sign-in is told from one that worked."""
    guest = await new_person()
    await guest.get("/deputies/dp_nobody", status=404)
    await guest.get("/nowhere", status=404)
    clerk = await new_person("ac_demo_clerk")
    login = next(a.login for a in DEMO_ACCOUNTS if a.id == "ac_demo_clerk")
    await guest.post("/signin/staff", status=401, login=login, password="wrong-password", otp="000000")
    seen = await figures(clerk)
    assert seen["station_web_requests_total", "GET", "/deputies/{deputy}", "404"] == 1
    assert seen["station_web_requests_total", "GET", "other", "404"] == 1
    assert seen["station_sign_ins_total", "done", "password"] == 1
    assert seen["station_sign_ins_total", "refused", "password"] == 1
    assert not [key for key in seen if "dp_nobody" in "".join(key) or "nowhere" in "".join(key)]


async def test_queues_and_roles_are_told(station: Station, new_person: NewPerson) -> None:
    """Failed jobs, open cases and the silence of a role are figures that a monitor can watch."""
    async with station.database.transaction() as work:
        for key in ("a", "b"):
            await jobs.enqueue(work, "compose", key, {}, station.clock.now())
        await work.execute(update(jobs.jobs).where(jobs.jobs.c.key == "a").values(state="failed"))
    await beat(station.database, "work", station.clock.now())
    seen = await figures(await new_person())
    assert seen["station_jobs", "failed"] == 1 and seen["station_jobs", "waiting"] == 1
    assert seen["station_role_silent_seconds", "work"] == 0
    assert seen["station_cases", "overdue"] == 0
    assert seen["station_database_up",] == 1
