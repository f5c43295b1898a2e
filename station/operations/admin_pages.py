"""The administrator's first page: what the station holds, and the ways from here."""

from __future__ import annotations

from aiohttp import web

from station.backup.model import BackupState
from station.backup.service import last_backups
from station.base.principal import Role
from station.base.web import render, station_of
from station.directory.service import count_directory
from station.people.service import count_accounts
from station.setup.missing_service import missing_here

STAFF = (Role.CLERK, Role.DEPUTY, Role.UNIT, Role.SUPERVISOR, Role.ADMIN)


async def show_home(request: web.Request) -> web.StreamResponse:
    """People and places in figures."""
    station = station_of(request)
    async with station.database.snapshot():
        directory, accounts = await count_directory(station), await count_accounts(station)
        missing = await missing_here(station)
        begun, done = await last_backups(station.database)
    pages = {resource.canonical for resource in request.app.router.resources()}
    staff = sum(accounts.get(role, 0) for role in STAFF)
    return render(
        request,
        "admin/home.html",
        directory=directory,
        staff=staff,
        citizens=accounts.get(Role.CITIZEN, 0),
        missing=[(each, each.page if each.page in pages else "") for each in missing],
        backup=done,
        backup_failed=begun is not None and begun.state is BackupState.FAILED,
    )
