"""Every role at every route: the table of rights is what the application does."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from station.app import build_app
from station.base.principal import Role
from station.base.station import Station
from station.base.web import Route
from station.demo.logins import DEMO_ACCOUNTS
from station.people.rights import RIGHTS, Action
from station.routes import ROUTES
from tests.fixtures import Person

SIGN_IN_PATHS = {"/signin", "/signin/code", "/signin/staff", "/privacy"}


async def reached(request: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


def example(path: str) -> str:
    """A URL that the route's pattern accepts."""
    path = re.sub(r"\{\w+:([^|}]+)[^}]*\}", r"\1", path)
    path = re.sub(r"\{(\w+)\}", r"x\1", path)
    return path.replace(r"\d+", "1").replace("[0-9]+", "1")


def guarded_only() -> tuple[Route, ...]:
    """The table with handlers that only say that they were reached; signing in stays real."""
    return tuple(r if r.path in SIGN_IN_PATHS else replace(r, handler=reached) for r in ROUTES)


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.SYSTEM])
async def test_each_route_lets_in_exactly_the_roles_of_its_action(station: Station, role: Role) -> None:
    """Whoever the table does not name is turned away before the handler runs; whoever it names gets through."""
    server = TestServer(build_app(station, guarded_only()))
    async with TestClient(server) as client:
        person = Person(client, station)
        account = next((a.id for a in DEMO_ACCOUNTS if a.role is role), None)
        if account is not None:
            await person.sign_in(account)
        token = await person.token()
        for route in ROUTES:
            if route.path in SIGN_IN_PATHS:
                continue
            headers = {"X-CSRF-Token": token, "Accept": "application/json"}
            url = example(route.path)
            async with client.request(route.method, url, headers=headers, allow_redirects=False) as answer:
                expected = 204 if role in RIGHTS[Action(route.action)] else 403 if account else 401
                seen = 401 if answer.status == 303 else answer.status
                assert seen == expected, (role, route.method, route.path, answer.status)


def test_every_action_has_a_line_in_the_table() -> None:
    """No action without rights, no route without an action that exists."""
    assert set(RIGHTS) == set(Action)
    for route in ROUTES:
        assert Action(route.action) in RIGHTS


def test_no_url_stands_twice() -> None:
    """Two lines of the table never claim the same method and path."""
    lines = [(route.method, route.path) for route in ROUTES]
    assert len(lines) == len(set(lines))
