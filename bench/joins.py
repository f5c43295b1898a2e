"""How long it takes from the click on "enter" to the first remote frame, over many joins on loopback.

`python -m bench joins [--joins N]` prints a Markdown table. One page publishes and stays; another, with its camera open
as at the door of a meeting, joins, publishes, waits for the first frame on its screen, and leaves; again and again.
"""

from __future__ import annotations

import argparse
import asyncio

from bench.browser.diary import percentile
from bench.browser.stage import Devices, Stage, speaking

SIZE = (1280, 720)
JOINS = 100
TIMEOUT_MS = 10_000
PAUSE_S = 0.2
PARTS = ("socket open", "joined", "subscribe answered", "ICE done", "DTLS done", "first frame")
ROOM = "mt_bench"

Marks = dict[str, float]


async def measure(joins: int) -> list[Marks]:
    """The marks of each join, in milliseconds since its click. A first join, which opens the devices, is left out."""
    async with Stage(Devices(*SIZE, speaking)) as stage:
        publisher, joiner = await stage.open_page(), await stage.open_page()
        await stage.enter(publisher, ROOM, "anna")
        await joiner.evaluate("import('/bench/join.js')")
        size = {"width": SIZE[0], "height": SIZE[1]}
        options = {"url": f"{stage.media.url}/media/ws", "size": size, "timeoutMs": TIMEOUT_MS}
        marks: list[Marks] = []
        for _ in range(joins + 1):
            grant = stage.grant(ROOM, "boris")
            marks.append(await joiner.evaluate("(options) => joinOnce(options)", {**options, "grant": grant}))
            await asyncio.sleep(PAUSE_S)
    return marks[1:]


def table(all_marks: list[Marks]) -> str:
    """Markdown: a row for each part, and how many joins never saw a frame."""
    lines = ["| ms since the click | p50 | p90 | p99 | longest |", "|---|---:|---:|---:|---:|"]
    for part in PARTS:
        times = [marks[part] for marks in all_marks if part in marks]
        figures = [percentile(times, share) for share in (0.5, 0.9, 0.99, 1.0)]
        lines.append(f"| {part} | " + " | ".join(f"{figure:.0f}" for figure in figures) + " |")
    without = sum(PARTS[-1] not in marks for marks in all_marks)
    return "\n".join([*lines, "", f"{len(all_marks)} joins, {without} of them without a picture."])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joins", type=int, default=JOINS)
    print(table(asyncio.run(measure(parser.parse_args().joins))))


if __name__ == "__main__":
    main()
