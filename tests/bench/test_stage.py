"""The stage of the browser benchmarks stands: people enter, see each other, and their pages keep a diary of it."""

from __future__ import annotations

from bench.browser import diary
from bench.browser.stage import Devices, Stage, speaking
from bench.joins import PARTS
from tests.servers import wait_for


async def test_people_on_the_stage_see_each_other() -> None:
    """One publishes, one watches over a line of their own: frames and counters are in the diary; a join is timed."""
    async with Stage(Devices(320, 240, speaking)) as stage, stage.relay(1) as relay:
        anna, boris = await stage.open_page(), await stage.open_page(relay)
        await stage.enter(anna, "mt_stage", "anna")
        await stage.enter(boris, "mt_stage", "boris", publishes=False)

        async def has_seen() -> bool:
            noted = await boris.evaluate("diary")
            frames = diary.frames_of([frame for shown in noted["shown"].values() for frame in shown])
            return len(frames) > 10 and len(noted["samples"]) > 1

        await wait_for(has_seen, "ten frames and two samples in the diary")
        assert relay.down.offered > 10
        await boris.evaluate("import('/bench/join.js')")
        options = {"url": f"{stage.media.url}/media/ws", "size": {"width": 320, "height": 240}, "timeoutMs": 10_000}
        marks = await boris.evaluate(
            "(options) => joinOnce(options)", {**options, "grant": stage.grant("mt_stage", "carl")}
        )
        assert set(marks) == set(PARTS)
        in_order = sorted(marks, key=marks.get)
        assert (in_order[0], in_order[-1]) == (PARTS[0], PARTS[-1])  # between them, ICE may overtake the answer
