"""Pages and chores of a station with a city's rows: how long, how many bytes, how many statements.

`python -m bench pages [--beside CHECKOUT] [--cases N] [--times N] [--postgres URL]` fills a database (SQLite, or one
of its own on that server), signs every role in, and asks for each page in turn. With `--beside`, another checkout's
build answers the same from its own copy, request by request in the same run: its schema is the one that is filled, and
ours is migrated from it, so that the migration is timed too. The clock stands still at the city's moment.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import asyncpg

from bench.city import TOKENS, Size, case_of_citizen, fill, last_case
from bench.measures import machine, peak_mib, percentile
from bench.page_server import CPU, STATEMENTS, WRITES
from station.base.database import Database
from station.base.principal import Role
from station.people.pages import SESSION_COOKIE
from tests.servers import answers, end_process, pick_port, wait_until

ON_REQUEST = True  # it needs a minute to fill
ROOT = Path(__file__).parent.parent
READY_S = 60.0
PROGRAM = Path(__file__).with_name("page_server.py")
WARM_UP = 3
BATCH = 10  # answers over whose CPU time the mean is taken; of all batches the least busy one counts
CHORE = "issue_due_cards"


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for, and as whom."""

    path: str
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer."""

    ms: float
    cpu_ms: float
    size: int
    statements: int
    writes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A page over all its answers, in milliseconds and bytes."""

    p50: float
    p99: float
    cpu_ms: float
    size: int
    statements: int
    writes: int


@dataclass(frozen=True, slots=True)
class Build:
    """A checkout with its own copy of the rows."""

    name: str
    root: Path
    data: Path
    url: str


def pages_for(size: Size) -> list[Page]:
    """Every page of the table; some of them lie deep."""
    year, serial = last_case(size)
    return [
        Page("/"),
        Page("/", Role.CITIZEN),
        Page("/deputies/dp000"),
        Page("/deputies/dp000", Role.CITIZEN),
        Page("/cases"),
        Page("/cases", Role.CITIZEN),
        Page(f"/cases/{case_of_citizen(size)}"),
        Page(f"/cases/{case_of_citizen(size)}", Role.CITIZEN),
        Page(f"/cases?page={max(1, size.cases // 20 - 1)}"),
        Page("/cases?q=%E8%B7%AF%E7%81%AF"),  # 路灯
        Page("/cases?q=%E6%9C%9B%E6%B1%9F%E8%B7%AF+%E4%BA%95%E7%9B%96%E6%9D%BE%E5%8A%A8"),  # 望江路 井盖松动
        Page("/cases?q=%E7%81%AF"),  # 灯
        Page("/cases?q=%E7%82%8E%E9%BE%99"),  # 炎龙, in no title
        Page(f"/api/v1/cases/{year}-{serial}"),
        Page("/desk", Role.CLERK),
        Page("/desk/cases", Role.CLERK),
        Page("/desk/cases?list=units&page=2", Role.CLERK),
        Page("/unit", Role.UNIT),
        Page("/oversight", Role.SUPERVISOR),
        Page("/oversight/cards", Role.SUPERVISOR),
        Page("/deputy", Role.DEPUTY),
        Page("/my", Role.CITIZEN),
    ]


def ask(connection: http.client.HTTPConnection, page: Page, before: tuple[float, int, int] = (0, 0, 0)) -> Answered:
    """One answer to the page. The server's counts go on rising: `before` are those of the answer before."""
    headers = {"Accept-Language": "zh-CN"}
    if page.role is not None:
        headers["Cookie"] = f"{SESSION_COOKIE}={TOKENS[page.role]}"
    began = time.perf_counter()
    connection.request("GET", page.path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    ms = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise RuntimeError(f"{page.path}: {answer.status} {body[:300]!r}")
    told = (float(answer.headers[CPU]), int(answer.headers[STATEMENTS]), int(answer.headers[WRITES]))
    return Answered(ms, told[0] - before[0], len(body), told[1] - before[1], told[2] - before[2])


def counts_so_far(connection: http.client.HTTPConnection) -> tuple[float, int, int]:
    """The server's counts, by a question that asks the database nothing."""
    told = ask(connection, Page("/healthz"))
    return told.cpu_ms, told.statements, told.writes


def measure(builds: dict[str, http.client.HTTPConnection], page: Page, times: int) -> dict[str, Figures]:
    """The page from every build in turn, so that what else the machine does hits all alike."""
    taken: dict[str, list[Answered]] = {name: [] for name in builds}
    for turn in range(WARM_UP + times):
        for name, connection in builds.items():
            answered = ask(connection, page, counts_so_far(connection))
            if turn >= WARM_UP:
                taken[name].append(answered)
    return {name: figures_of(answers_) for name, answers_ in taken.items()}


def figures_of(taken: list[Answered]) -> Figures:
    """Percentiles of the times; sizes and counts of the last answer; CPU time of the least disturbed answers."""
    ordered, last = sorted(each.ms for each in taken), taken[-1]
    cpu = min(mean(each.cpu_ms for each in taken[at : at + BATCH]) for at in range(0, len(taken), BATCH))
    return Figures(percentile(ordered, 0.5), percentile(ordered, 0.99), cpu, last.size, last.statements, last.writes)


def measure_chore(build: Build, times: int) -> Figures:
    """The clock's chore of cards when nothing is new."""
    output = _run(build, str(PROGRAM), str(build.data), build.url, "cards", str(times))
    runs = json.loads(output)[1:]  # the first one may issue cards
    ordered = sorted(run["ms"] for run in runs)
    last = runs[-1]
    cpu = median(run["cpu_ms"] for run in runs)
    return Figures(
        percentile(ordered, 0.5), percentile(ordered, 0.99), cpu, 0, int(last["statements"]), int(last["writes"])
    )


def _environment(build: Build) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STATION_")}
    return {**kept, "PYTHONPATH": str(build.root)}


def _run(build: Build, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env=_environment(build),
        cwd=build.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{build.name}: {done.stderr[-3000:]}")
    return done.stdout


def migrate(build: Build) -> float:
    """Bring the build's database to its newest revision; the seconds that took."""
    build.data.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    _run(build, "-c", "import sys; from station.base.database import migrate_url; migrate_url(sys.argv[1])", build.url)
    return time.perf_counter() - began


@contextmanager
def serving(build: Build) -> Iterator[http.client.HTTPConnection]:
    """The build's pages, as one browser would ask for them."""
    port = pick_port()
    command = [sys.executable, str(PROGRAM), str(build.data), build.url, str(port)]
    log = build.data / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=_environment(build), cwd=build.root, stdout=output, stderr=output)
    try:
        wait_until(lambda: process.poll() is not None or answers(port), f"pages of {build.name}, see {log}", READY_S)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        yield connection
        connection.close()
        print(f"web of {build.name} held {peak_mib(process.pid):.0f} MiB at most", flush=True)
    finally:
        end_process(process)


def prepare(folder: Path, size: Size, beside: Path | None, server: str = "") -> tuple[list[Build], float]:
    """The builds with their rows, ours first; and the seconds that migrating ours from the other's schema took."""
    ours = _new_build("today", ROOT, folder, server)
    if beside is None:
        migrate(ours)
        asyncio.run(_fill(ours, size, with_words=True))
        return [ours], 0.0
    other = Build(
        "beside", beside.resolve(), folder / "beside", _new_database(folder / "beside", server, "bench_beside")
    )
    migrate(other)
    asyncio.run(_fill(other, size, with_words=False))
    if server:
        asyncio.run(_sql(server, "DROP DATABASE bench_today", "CREATE DATABASE bench_today TEMPLATE bench_beside"))
    else:
        ours.data.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(other.data / "station.db", ours.data / "station.db")
    return [ours, other], migrate(ours)


def _new_build(name: str, root: Path, folder: Path, server: str) -> Build:
    return Build(name, root, folder / name, _new_database(folder / name, server, f"bench_{name}"))


def _new_database(folder: Path, server: str, name: str) -> str:
    if not server:
        return f"sqlite+aiosqlite:///{(folder / 'station.db').resolve()}"
    asyncio.run(_sql(server, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}"))
    return server.replace("postgresql://", "postgresql+asyncpg://", 1).rsplit("/", 1)[0] + f"/{name}"


async def _sql(server: str, *statements: str) -> None:
    connection = await asyncpg.connect(server)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def _fill(build: Build, size: Size, with_words: bool) -> None:
    database = Database(build.url)
    await fill(database, size, with_words=with_words)
    await database.close()


def compare(
    size: Size, times: int, beside: Path | None = None, server: str = ""
) -> list[tuple[str, dict[str, Figures]]]:
    """Every page and the chore, from every build: the rows of the table."""
    rows: list[tuple[str, dict[str, Figures]]] = []
    with tempfile.TemporaryDirectory(prefix="station-pages-") as name, ExitStack() as stack:
        builds, migrated_s = prepare(Path(name), size, beside, server)
        if beside is not None:
            print(f"migrated in {migrated_s:.1f} s", flush=True)
        served = {build.name: stack.enter_context(serving(build)) for build in builds}
        for page in pages_for(size):
            rows.append((f"{page.path} {page.role or ''}".strip(), measure(served, page, times)))
            print(_line(*rows[-1]), flush=True)
        rows.append((CHORE, {build.name: measure_chore(build, max(3, times // 10)) for build in builds}))
        print(_line(*rows[-1]), flush=True)
    return rows


def _line(name: str, by_build: dict[str, Figures]) -> str:
    cells = [
        f"{f.p50:.1f} | {f.p99:.1f} | {f.cpu_ms:.1f} | {f.size / 1024:.1f} | {f.statements} | {f.writes}"
        for f in by_build.values()
    ]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench pages", description=__doc__)
    parser.add_argument("--beside", type=Path, help="another checkout, whose build answers beside ours")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=100, help="how often each page is asked for")
    parser.add_argument("--postgres", default="", help="URL of a PostgreSQL server's maintenance database")
    wanted = parser.parse_args()
    print(
        f"{machine()}; {wanted.cases} cases, {'PostgreSQL' if wanted.postgres else 'SQLite'}, {wanted.times} times each"
    )
    print("per build: p50 ms | p99 ms | CPU ms | KiB | statements | write transactions", flush=True)
    compare(Size(cases=wanted.cases), wanted.times, wanted.beside, wanted.postgres)
