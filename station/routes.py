"""The one table of URLs: method, path, handler, and the action that its caller must be allowed."""

from __future__ import annotations

from station import gateway
from station.base.web import Route
from station.operations import pages as operations
from station.people import pages as people
from station.people.rights import Action

OPERATIONS = (
    Route("GET", "/healthz", operations.healthz, Action.BROWSE),
    Route("GET", "/readyz", operations.readyz, Action.BROWSE),
    Route("GET", "/metrics", operations.metrics, Action.BROWSE),
    Route("GET", "/demo", operations.demo, Action.SEE_DEMO),
)

PEOPLE = (
    Route("GET", "/signin", people.ask_phone, Action.SIGN_IN),
    Route("POST", "/signin", people.send_code, Action.SIGN_IN),
    Route("GET", "/signin/code", people.ask_code, Action.SIGN_IN),
    Route("POST", "/signin/code", people.check_code, Action.SIGN_IN),
    Route("GET", "/signin/staff", people.ask_password, Action.SIGN_IN),
    Route("POST", "/signin/staff", people.check_password, Action.SIGN_IN),
    Route("POST", "/signout", people.sign_out, Action.SIGN_OUT),
    Route("GET", "/language/{language:zh|en}", people.choose_language, Action.BROWSE),
    Route("GET", "/mode/{mode:elder|standard}", people.choose_mode, Action.BROWSE),
    Route("GET", "/privacy", people.privacy, Action.BROWSE),
)

GATEWAY = (
    Route("GET", "/media/ws", gateway.signalling, Action.MEDIA),
    Route("POST", "/whip/{room}", gateway.whip_whep, Action.MEDIA, bearer=True),
    Route("PATCH", "/whip/{room}/{session}", gateway.whip_whep, Action.MEDIA, bearer=True),
    Route("DELETE", "/whip/{room}/{session}", gateway.whip_whep, Action.MEDIA, bearer=True),
    Route("POST", "/whep/{room}", gateway.whip_whep, Action.MEDIA, bearer=True),
    Route("PATCH", "/whep/{room}/{session}", gateway.whip_whep, Action.MEDIA, bearer=True),
    Route("DELETE", "/whep/{room}/{session}", gateway.whip_whep, Action.MEDIA, bearer=True),
    Route("GET", "/live/{broadcast}/{file}", gateway.broadcast_file, Action.WATCH),
)

# Builder blocks: directory + booking + my / cases + unit + oversight / meeting + desk + live pages.

ROUTES: tuple[Route, ...] = (*OPERATIONS, *PEOPLE, *GATEWAY)
