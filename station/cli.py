"""The command `station`: serve it, look at its settings, hand out a grant, prove its ledger, find what is wrong."""
# What a command needs is imported in it: media and live start without the database and the pages.
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError

from station.base.errors import BadInput, StationError
from station.base.grants import Grant, GrantSigner, Right
from station.base.ids import SAFE_NAME, new_id
from station.base.principal import SYSTEM, Role
from station.base.settings import Settings, usable_cores
from station.serve.folder import make_private
from station.serve.fork_server import start_fork_server
from station.serve.ports import CannotStart
from station.serve.roles import Part, RoleName, run_part
from station.serve.tasks import LINK_HASH, PREPARE, run_prepare, run_task, word_variable

if TYPE_CHECKING:
    from station.base.station import Station

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
ledger = typer.Typer(no_args_is_help=True, help="The record of all that happened.")
app.add_typer(ledger, name="ledger")
user = typer.Typer(no_args_is_help=True, help="Accounts of staff, deputies, units and supervisors.")
app.add_typer(user, name="user")

job = typer.Typer(no_args_is_help=True, help="Long jobs: composing recordings, sealing archives.")
app.add_typer(job, name="job")

MAX_GRANT_MINUTES = 24 * 60
MAX_ROOM_CHARS = 50  # the ledger names it as a subject


def main() -> None:
    """Run the command line."""
    make_private()
    try:
        app()
    except CannotStart as fault:
        _fail(str(fault))


def read_settings() -> Settings:
    """The settings of this process; a wrong one ends the program with a sentence."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"STATION_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        _fail(f"Wrong settings: {faults}")


@app.command()
def serve(
    role: Annotated[
        RoleName | None, typer.Option(help="Be this one role only; all of them, watched, if left out.")
    ] = None,
    number: Annotated[
        int, typer.Option(min=0, help="With --role media: which of STATION_MEDIA_PROCESSES, from 0.")
    ] = 0,
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty database with demo data and logins.")] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 lets phones in, over HTTPS.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of pages and API.")] = None,
    media_port: Annotated[int | None, typer.Option(help="First port of audio and video.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of everything the station keeps.")] = None,
) -> None:
    """Start the station: all four roles, each brought back when it dies; or one role."""
    given = {
        "STATION_HOST": host,
        "STATION_HTTP_PORT": port,
        "STATION_MEDIA_PORT": media_port,
        "STATION_DATA": data,
        "STATION_DEMO": "true" if demo else None,
    }
    # Through the environment, so that the options go the way of every other setting and reach each role.
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    settings = read_settings()
    if role is None:
        # Before anything else is loaded or opened here: what is forked from it starts as clean as this process is now.
        fork_server = start_fork_server(partial(run_task, settings))
        from station.serve.supervisor import serve as serve_all

        serve_all(settings, fork_server)
        return
    if number >= (settings.media_processes if role is RoleName.MEDIA else 1):
        _fail(f"There is no {role} process {number}: see STATION_MEDIA_PROCESSES")
    run_part(Part(role, number), settings)


@app.command("setup-link")
def print_setup_link() -> None:
    """Print a new one-time link that opens set-up in a browser; earlier ones are void, and browsers let in are out."""
    from station.base.link_keys import hash_key, link_of, make_key
    from station.serve.addresses import reachable_origin
    from station.setup.start_service import replace_link

    key, settings = make_key(), read_settings()
    if not _with_station(lambda station: replace_link(station, hash_key(key), browsers=True)):
        _fail("There is an administrator already, so set-up is closed: sign in, or see `station user add`")
    typer.echo(link_of(reachable_origin(settings), key))


@app.command("init")
def init_station(
    district: Annotated[str, typer.Option(prompt="Name of the district, such as 青川县")],
    login: Annotated[str, typer.Option(prompt="Login of the first administrator")],
    name: Annotated[str, typer.Option(prompt="Name of the first administrator")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    higher_unit: Annotated[str, typer.Option(help="Responsible body, such as 青川县人大常委会.")] = "",
    help_phone: Annotated[str, typer.Option(help="Telephone where people ask for help.")] = "",
    help_hours: Annotated[str, typer.Option(help="When it is answered.")] = "",
    colour: Annotated[str, typer.Option(help="Main colour, such as #1f4e79.")] = "#0b5351",
    mark: Annotated[Path | None, typer.Option(help="SVG or PNG file with the district's mark.")] = None,
    english: Annotated[bool, typer.Option(help="Offer the pages in English too.")] = True,
    proof: Annotated[bool, typer.Option(help="Ask for a code of the authenticator before the account is made.")] = True,
) -> None:
    """Set the station up at the terminal: the district, the built-in texts, the first administrator."""
    from station.setup.terminal import Asked, set_up

    fields = {"district": district, "higher_unit": higher_unit, "help_phone": help_phone, "help_hours": help_hours}
    fields["english"] = "yes" if english else ""
    asked = Asked(facts=fields, colour=colour, mark=mark, name=name, login=login, password=password)
    ask_code = partial(typer.prompt, "Code that the authenticator shows") if proof else None
    try:
        _with_station(lambda station: set_up(station, asked, typer.echo, ask_code))
    except BadInput as fault:
        _fail("; ".join(f"{field}: {words}" for field, words in fault.fields.items()) or str(fault))
    except StationError as error:
        _fail(str(error))
    typer.echo("The station is set up: sign in at /signin/staff")


@app.command("migrate")
def migrate_database() -> None:
    """Bring the database to this release, where roles are started one by one."""
    from station.base.database import migrate

    migrate(read_settings())


@app.command(PREPARE, hidden=True)
def prepare_all() -> None:
    """What `station serve` does before it starts the roles."""
    run_prepare(read_settings(), os.environ.get(word_variable(LINK_HASH), ""))


@app.command()
def settings() -> None:
    """Print every setting with its value, where the value comes from, and what it is for."""
    from station.serve.report import describe_settings

    for line in describe_settings(read_settings(), os.environ):
        typer.echo(line)


@app.command()
def token(
    room: Annotated[str, typer.Option(help="Name of the room: letters, digits, - and _.")],
    publish: Annotated[bool, typer.Option("--publish", help="May send audio and video.")] = False,
    subscribe: Annotated[bool, typer.Option("--subscribe", help="May receive them.")] = False,
    name: Annotated[str, typer.Option(help="Name shown to the others.")] = "encoder",
    minutes: Annotated[int, typer.Option(min=1, max=MAX_GRANT_MINUTES, help="How long it opens the room.")] = 60,
) -> None:
    """Print a grant: the Bearer token of WHIP (publish) and WHEP (subscribe)."""
    if SAFE_NAME.match(room) is None or len(room) > MAX_ROOM_CHARS:
        _fail(
            f"A room is named by at most {MAX_ROOM_CHARS} letters, digits, - and _, beginning with a letter or digit."
        )
    rights = {Right.PUBLISH: publish, Right.SUBSCRIBE: subscribe}
    asked = frozenset(right for right, wanted in rights.items() if wanted)
    if not asked:
        _fail("Say what the grant allows: --publish, --subscribe or both.")
    signer = GrantSigner.load(read_settings().keys)
    typer.echo(signer.sign(Grant(room, new_id("tk"), name, asked, int(time.time()) + minutes * 60)))


@ledger.command()
def verify(
    new: Annotated[bool, typer.Option("--new", help="Check only what came after the last whole check.")] = False,
) -> None:
    """Recompute the chain of hashes and compare it with what is kept outside; exit status 1 if anything was changed."""
    from station.base.database import Database
    from station.ledger.model import VerifyResult
    from station.ledger.verify import verify_chain
    from station.ledger.witness import keep_proved, kept_heads, proved_head, sealed_heads

    settings = read_settings()
    after = proved_head(settings.ledger_proved) if new else None

    async def check() -> VerifyResult:
        database = Database(settings.resolved_database_url)
        try:
            outside = chain(kept_heads(settings.ledger_heads), sealed_heads(settings.data / "bags"))
            return await verify_chain(database, outside, processes=usable_cores(), after=after, tell=_show_progress)
        finally:
            await database.close()

    result = _run(check())
    if result.ok:
        keep_proved(settings.ledger_proved, result.events, result.head)
        checked = f"checked from event {after.seq + 1}; " if after is not None else ""
        typer.echo(
            f"The ledger is whole: {result.events} events, head {result.head}; {checked}"
            f"it holds all {result.compared} entries noted outside of the database"
        )
        return
    if result.cut:
        _fail(f"The ledger is cut: event {result.broken_at} is missing, {result.witness or 'the head'} has it")
    against = f", {result.witness} has another" if result.witness else " does not fit the chain"
    _fail(f"The ledger is broken: event {result.broken_at}{against}")


def _show_progress(done: int, events: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{done} of {events} events", err=True, nl=done == events)


@ledger.command("clear-words")
def clear_words(
    subject: Annotated[str, typer.Argument(help="What the events are about, such as case:cs_….")],
) -> None:
    """Delete for good what people typed as reasons about a subject. The chain holds a hash of it and stays whole."""
    from station.ledger.service import clear_words as clear

    typer.echo(f"{_with_station(lambda station: clear(station, SYSTEM, subject))} texts deleted")


@user.command("add")
def add_user(
    role: Annotated[Role, typer.Option(help="deputy, clerk, unit, supervisor or admin.")],
    login: Annotated[str, typer.Option(help="Name to sign in with.")],
    name: Annotated[str, typer.Option(help="Name as others see it.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    scope: Annotated[str, typer.Option(help="Id of the deputy, unit or station that the account acts for.")] = "",
) -> None:
    """Make an account; prints the secret for its authenticator app, once."""
    from station.directory.service import check_scope
    from station.people.service import add_staff, authenticator_uri

    if role in (Role.GUEST, Role.CITIZEN, Role.SYSTEM):
        _fail("Citizens make their account by signing in with their phone; guests and the system have none.")

    async def add(station: Station) -> str:
        await check_scope(station, role, scope)
        return (await add_staff(station, SYSTEM, role, login, name, password, scope))[1]

    try:
        secret = _with_station(add)
    except BadInput as fault:
        _fail("; ".join(fault.fields.values()) or str(fault))
    typer.echo(f"Authenticator secret, shown only now: {secret}")
    typer.echo(authenticator_uri(login, secret))


@job.command("list")
def list_jobs() -> None:
    """Print every job that is not done, failed ones first: state, attempts, key, and what went wrong."""
    from station.operations.jobs_service import list_jobs as unfinished

    for line in _with_station(unfinished):
        found = line.state.job
        typer.echo(f"{found.state:<8} {found.attempts} {found.key}  {found.error}".rstrip())


@job.command("retry")
def retry_job(
    key: Annotated[str, typer.Argument(help="Key of the job, as `list` and the log show it.")],
) -> None:
    """Begin a failed job anew."""
    from station.operations.jobs_service import NoFailedJob
    from station.operations.jobs_service import retry_job as retry

    try:
        _with_station(lambda station: retry(station, SYSTEM, key))
    except NoFailedJob:
        _fail(f"No failed job has the key {key}: see `station job list`")


@app.command()
def backup(
    target: Annotated[
        str, typer.Argument(help="A folder, or s3://bucket/prefix; STATION_BACKUP_TARGET if left out.")
    ] = "",
    listing: Annotated[bool, typer.Option("--list", help="Print the backups that are there, the newest last.")] = False,
) -> None:
    """Copy a running station, encrypted: its database, keys, policy, recordings, bags, photos. Sends what is new."""
    from station.backup import commands
    from station.backup.model import BackupFault, spell_size

    try:
        if listing:
            typer.echo("\n".join(commands.lines_of_list(read_settings(), target)))
            return
        made = _with_station(lambda station: commands.back_up(station, target))
    except BackupFault as fault:
        _fail(f"No backup was made. {fault}" if not listing else str(fault))
    sent = f"{spell_size(made.sent)} in {made.objects} objects were new"
    typer.echo(f"Backup {made.id}: {made.files} files, {spell_size(made.size)}; {sent}")
    if made.gone:
        typer.echo(f"{len(made.gone)} files were deleted meanwhile and are not in it: {', '.join(made.gone[:5])}")


@app.command("backup-key")
def make_backup_key() -> None:
    """Make a key for backups and print it, once: the station gets the public half, you keep the secret one."""
    from station.backup.vault import make_key

    recipient, secret = make_key()
    typer.echo("Secret key, shown only now. Keep it on paper or a stick, in two places, and not on this machine:")
    typer.echo(f"# public key: {recipient}\n{secret}")
    typer.echo(f"Setting of the station:\nSTATION_BACKUP_RECIPIENT={recipient}")


@app.command()
def restore(
    source: Annotated[
        str, typer.Argument(help="A folder, or s3://bucket/prefix; STATION_BACKUP_TARGET if left out.")
    ] = "",
    into: Annotated[Path | None, typer.Option(help="The new data folder; STATION_DATA if left out.")] = None,
    name: Annotated[str, typer.Option(help="Which backup, as `backup --list` says; the newest if left out.")] = "",
    key: Annotated[Path | None, typer.Option(help="File with the secret key; else STATION_BACKUP_PASSPHRASE.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Move aside what is there already.")] = False,
) -> None:
    """Bring a backup back onto this machine, and prove its ledger and recordings; exit status 1 if they do not hold."""
    from station.backup import commands
    from station.backup.model import BackupFault

    if into is not None:
        os.environ["STATION_DATA"] = str(into)
    settings = read_settings()
    try:
        asked = commands.restore(settings, source, name=name, key=key, overwrite=overwrite)
        manifest, proof = _run(asked)
    except (BackupFault, OSError) as fault:
        _fail(f"Not restored. {fault}")
    typer.echo("\n".join(commands.lines_of_restore(settings, manifest, proof)))
    raise typer.Exit(0 if proof.ok else 1)


@app.command()
def doctor() -> None:
    """Check what the station needs on this machine; exit status 1 if something stands in its way."""
    from station.serve.doctor import examine

    findings = asyncio.run(examine(read_settings()))
    for finding in findings:
        typer.echo(finding.line)
    raise typer.Exit(1 if any(f.blocks for f in findings) else 0)


def _with_station(call: Callable[[Station], Awaitable[T]]) -> T:
    """Open the station for one call. A database that cannot be used ends the program with a sentence."""
    from station.app import close_station, open_station

    async def run() -> T:
        station = open_station(read_settings())
        try:
            return await call(station)
        finally:
            await close_station(station)

    return _run(run())


def _run(asked: Coroutine[Any, Any, T]) -> T:
    """What was asked of the database; where it cannot be used, a sentence ends the program."""
    from station.base.errors import DatabaseAway, StorageFull

    try:
        return asyncio.run(asked)
    except DatabaseAway:
        _fail("The database does not answer: see `station doctor`")
    except StorageFull:
        _fail("The disk is full: nothing was changed")


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    sys.exit(1)
