"""A call of real browsers over bad lines: what each sees and hears, and how long until it is good again.

`python -m bench badlink [--only NAME…]` prints a Markdown table of SCENARIOS. Two people publish and watch each
other; the line of one of them is bad, in both directions. In `cap` one publishes and two watch, one of them over a
narrow line. Delays are for each direction: the round trip takes twice as long. With `--diary FOLDER` everything that
the pages noted is kept as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from bench.browser import diary
from bench.browser.clip import FPS
from bench.browser.stage import Devices, Stage, speaking
from bench.network.link import DARK, GOOD, Bursts, Rules
from bench.network.relay import Relay
from tests.servers import wait_for

SIZE = (1280, 720)
WARM_UP_S = 7.0
MEASURE_S = 20.0
GOOD_RATE = 0.8 * FPS
PLAYS = "() => Object.values(diary.shown).some((frames) => frames.length > 0)"


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to the line at some second of the measured time."""

    at_s: float
    up: Rules = GOOD
    down: Rules = GOOD
    changes_address: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A line as it is from the start, and what happens to it later."""

    name: str
    says: str
    line: Rules = GOOD
    steps: tuple[Step, ...] = ()
    measure_s: float = MEASURE_S


CAP = Rules(bits_per_s=300_000)
SCENARIOS = (
    Scenario("good", "good line"),
    Scenario("loss2", "2 % loss", Rules(loss=0.02)),
    Scenario("loss5", "5 % loss", Rules(loss=0.05)),
    Scenario("loss10", "10 % loss", Rules(loss=0.10)),
    Scenario("bursts", "bursts of 5 datagrams, 4 % in all", Rules(bursts=Bursts(begins=0.008, ends=0.2))),
    Scenario("delay100", "100 ms delay", Rules(delay_s=0.1)),
    Scenario("delay300", "300 ms delay", Rules(delay_s=0.3)),
    Scenario("jitter", "40 ms delay, up to 60 ms jitter", Rules(delay_s=0.04, jitter_s=0.06)),
    Scenario("reorder", "5 % overtaken by 30 ms", Rules(delay_s=0.02, overtaken=0.05)),
    Scenario("loss5delay100", "5 % loss, 100 ms delay", Rules(loss=0.05, delay_s=0.1)),
    Scenario("blackout", "5 s blackout", steps=(Step(5, DARK, DARK), Step(10)), measure_s=25),
    Scenario("address", "change of address", steps=(Step(5, changes_address=True),)),
    Scenario("cap", "300 kbit/s for 20 s", steps=(Step(0, GOOD, CAP), Step(20)), measure_s=40),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """What one person saw of another in a span of time."""

    scenario: str
    who: str
    rate: float
    freezes: int
    longest_s: float
    concealed: float
    note: str


class Watching:
    """The diary of one page about one other person."""

    def __init__(self, noted: dict[str, Any], began_ms: float) -> None:
        self.frames = diary.frames_of([frame for shown in noted["shown"].values() for frame in shown])
        self._samples = noted["samples"]
        self._began_ms = began_ms

    def row(self, scenario: str, who: str, from_s: float, to_s: float, note: str = "") -> Row:
        """What was seen and heard between two seconds of the measured time."""
        span = (self.at(from_s), self.at(to_s))
        freezes, gaps = diary.freezes_ms(self.frames, *span), diary.gaps_ms(self.frames, *span)
        return Row(
            scenario, who, diary.frames_per_s(self.frames, *span), len(freezes), max(gaps) / 1000,
            diary.concealed_share(self._samples, *span), note,
        )  # fmt: skip

    def recovered(self, since_s: float, height: int = 0) -> str:
        """In words: how long until the picture was good again."""
        return _seconds(diary.recovered_after_s(self.frames, self.at(since_s), GOOD_RATE, height))

    def heights(self, from_s: float, to_s: float) -> set[int]:
        return {frame.height for frame in self.frames if self.at(from_s) < frame.at_ms <= self.at(to_s)}

    def at(self, second: float) -> float:
        return self._began_ms + second * 1000


async def run(scenario: Scenario, seed: int, keep: Path | None) -> list[Row]:
    """One scenario on a stage of its own."""
    async with Stage(Devices(*SIZE, speaking)) as stage, stage.relay(seed) as relay:
        relay.set_rules(up=scenario.line, down=scenario.line)
        pages = {"good": await stage.open_page(), "bad": await stage.open_page(relay)}
        if scenario.name == "cap":
            pages["third"] = await stage.open_page()
        for person, page in pages.items():
            await stage.enter(page, "mt_bench", person, publishes=scenario.name != "cap" or person == "good")
        await _wait_until_all_see(page for person, page in pages.items() if scenario.name != "cap" or person != "good")
        await asyncio.sleep(WARM_UP_S)
        began_ms, busy = time.time() * 1000, _Busy()
        await _play(scenario, relay)
        used = busy.share()
        await asyncio.sleep(1.5)  # the last second's counters
        noted = {person: await page.evaluate("diary") for person, page in pages.items()}
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{scenario.name}.json").write_text(json.dumps({"began_ms": began_ms, "pages": noted}))
    watching = {person: Watching(of, began_ms) for person, of in noted.items()}
    return [*_rows(scenario, watching), Row("", f"machine {used:.0%} busy", 0, 0, 0, 0, "")]


async def _wait_until_all_see(pages: Iterable[Page]) -> None:
    for page in pages:
        await wait_for(lambda page=page: page.evaluate(PLAYS), "a picture", 30)  # type: ignore[misc]


async def _play(scenario: Scenario, relay: Relay) -> None:
    began_s = time.monotonic()
    for step in (*scenario.steps, Step(scenario.measure_s)):
        await asyncio.sleep(max(0.0, began_s + step.at_s - time.monotonic()))
        if step.at_s == scenario.measure_s:
            return
        if step.changes_address:
            relay.change_address()
        else:
            relay.set_rules(up=step.up, down=step.down)


def _rows(scenario: Scenario, watching: dict[str, Watching]) -> list[Row]:
    end_s, says = scenario.measure_s, scenario.says
    if scenario.name == "cap":
        return _cap_rows(scenario, watching)
    rows = []
    for person, who in (("bad", "to the bad line"), ("good", "from the bad line")):
        view = watching[person]
        note = f"good again after {view.recovered(scenario.steps[-1].at_s)}" if scenario.steps else ""
        rows.append(view.row(says, who, 0, end_s, note))
    return rows


def _cap_rows(scenario: Scenario, watching: dict[str, Watching]) -> list[Row]:
    lift_s, end_s, says = scenario.steps[-1].at_s, scenario.measure_s, scenario.says
    capped, other = watching["bad"], watching["third"]
    lower = _seconds(diary.lower_after_s(capped.frames, capped.at(0)))
    full = max(other.heights(0, end_s), default=0)
    shown = "/".join(map(str, sorted(capped.heights(0, lift_s))))
    return [
        capped.row(says, "to the narrow line", 0, lift_s, f"lower layer after {lower}, heights {shown}"),
        capped.row(says, "to it, from 5 s on", 5, lift_s),
        capped.row(says, "to it, lifted", lift_s, end_s, f"full picture after {capped.recovered(lift_s, full)}"),
        other.row(says, "to the other", 0, end_s, f"heights {'/'.join(map(str, sorted(other.heights(0, end_s))))}"),
    ]


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


class _Busy:
    """How busy the whole machine is: the browsers' software codecs share it with everything else."""

    def __init__(self) -> None:
        self._before = self._read()

    def share(self) -> float:
        spent = [late - early for early, late in zip(self._before, self._read(), strict=True)]
        return 1 - (spent[3] + spent[4]) / sum(spent)

    def _read(self) -> list[int]:
        return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]


def main() -> None:
    """Print the table, a scenario at a time."""
    options = _options()
    print("| line | way | frames/s | freezes | longest gap | sound concealed | |")
    print("|---|---|---:|---:|---:|---:|---|")
    for scenario in SCENARIOS:
        if not options.only or scenario.name in options.only:
            print("\n".join(map(_line, asyncio.run(run(scenario, options.seed, options.diary)))), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--diary", type=Path, metavar="FOLDER")
    return parser.parse_args()


def _line(row: Row) -> str:
    if not row.scenario:
        return f"| | {row.who} | | | | | |"
    return (
        f"| {row.scenario} | {row.who} | {row.rate:.1f} | {row.freezes} | {row.longest_s:.2f} s "
        f"| {row.concealed:.1%} | {row.note} |"
    )


if __name__ == "__main__":
    main()
