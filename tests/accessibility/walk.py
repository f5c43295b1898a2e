"""Find every page that a role can open: the table of routes says which there are, links say with which ids."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Page

from station.base.web import Route
from station.people.rights import Action
from station.routes import ROUTES

# Answers that are no pages: files, streams, data, ways to somewhere else.
NOT_PAGES = frozenset(
    route.path
    for route in ROUTES
    if route.path.startswith(("/api/", "/media/", "/live/{broadcast}/", "/language/", "/mode/"))
    or route.path.endswith(("/events", ".css", ".png", ".svg", ".ics", ".jpg", ".json", ".mp4"))
) | {"/healthz", "/readyz", "/metrics", "/d/{code}", "/book", "/meet/booking/{booking}", "/notices/{notice}"}
LINKS = """
() => [...document.querySelectorAll('a[href]')].filter((a) => a.origin === location.origin)
  .map((a) => a.pathname + a.search)
"""
PAGES_EACH = 2  # of one route with different ids: states differ, time is short


@dataclass(slots=True)
class Walk:
    """The pages of one role, in the order in which links led to them."""

    own: frozenset[Action]  # actions whose every page must be reached
    also: frozenset[str] = frozenset()  # paths of routes that look different for this role
    queue: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    opened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.add(*(route.path for route in ROUTES if route.method == "GET" and "{" not in route.path))

    def add(self, *urls: str) -> None:
        """Queue those that are pages of this walk and not there yet."""
        for url in urls:
            route = route_of(url)
            if route is None or url in self.seen or not self._wants(route):
                continue
            self.seen.add(url)
            self.opened[route.path] += 1
            self.queue.append(url)

    def _wants(self, route: Route) -> bool:
        mine = route.action in self.own or route.path in self.also
        return mine and route.path not in NOT_PAGES and self.opened[route.path] < PAGES_EACH

    async def follow(self, page: Page) -> None:
        """Queue what the page links to."""
        self.add(*await page.evaluate(LINKS))

    def missed(self) -> list[str]:
        """Routes of the role that nothing led to."""
        wanted = {r.path for r in ROUTES if r.method == "GET" and r.action in self.own and r.path not in NOT_PAGES}
        return sorted(path for path in wanted if not self.opened[path])


def route_of(url: str) -> Route | None:
    """The GET route that answers this path."""
    path = urlsplit(url).path
    for route in ROUTES:
        if route.method == "GET" and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", route.path), path):
            return route
    return None
