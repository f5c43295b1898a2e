"""Whether lips and voice stay together: how far apart a flash and its beep are on the way from camera to screen.

`python -m bench lips` prints a Markdown table. The camera shows a flash each second, the microphone hears a beep; the
publisher's page notes when each was captured, the watcher's when it came to the screen and to the ear. Both pages hear
through the same kind of audio graph, so its own delay cancels out. Beside it what the browser itself believes
(`estimatedPlayoutTimestamp` of both tracks), which is right only if the sender reports are.
"""

from __future__ import annotations

import asyncio
import math
import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.browser.clip import FPS, write_y4m
from bench.browser.diary import percentile
from bench.browser.stage import Devices, Stage
from bench.network.link import GOOD, Rules

SIZE = (640, 480)
SECONDS, FLASH_S, FLASH_AT_S = 6, 0.12, 0.48
RATE = 48_000
WARM_UP_S, MEASURE_S = 8.0, 30.0
ROOM = "mt_bench"
LINES = (
    ("good line", GOOD),
    ("40 ms delay, up to 60 ms jitter", Rules(delay_s=0.04, jitter_s=0.06)),
    ("5 % loss, 100 ms delay", Rules(loss=0.05, delay_s=0.1)),
)
# What cleans a voice may eat a beep.
UNTOUCHED = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}


@dataclass(frozen=True, slots=True)
class Offsets:
    """By how many milliseconds the sound comes after the picture that belongs to it."""

    measured_ms: list[float]
    believed_ms: list[float]


def flash_and_beep(folder: Path, width: int, height: int) -> tuple[Path, Path]:
    """A flash and a beep at the same time of each second, as Y4M and WAV of the same length."""
    picture, sound = folder / "flash.y4m", folder / "beep.wav"
    write_y4m(picture, width, height, _frames(width, height))
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", _sample(n)) for n in range(RATE)) * SECONDS)
    return picture, sound


def _frames(width: int, height: int) -> Iterator[bytes]:
    for number in range(SECONDS * FPS):
        is_bright = FLASH_AT_S <= number % FPS / FPS < FLASH_AT_S + FLASH_S
        yield (b"\xeb" if is_bright else b"\x10") * (width * height) + b"\x80" * (width * height // 2)


def _sample(number: int) -> int:
    is_loud = FLASH_AT_S <= number / RATE < FLASH_AT_S + FLASH_S
    return round(16_000 * math.sin(2 * math.pi * 1000 * number / RATE)) if is_loud else 0


async def measure(rules: Rules) -> Offsets:
    """A publisher on a good line, a watcher on the given one."""
    async with Stage(Devices(*SIZE, flash_and_beep, UNTOUCHED)) as stage, stage.relay(1) as relay:
        publisher, watcher = await stage.open_page(), await stage.open_page(relay)
        relay.set_rules(up=rules, down=rules)
        await stage.enter(publisher, ROOM, "anna")
        await stage.enter(watcher, ROOM, "boris", publishes=False)
        await watcher.wait_for_function("document.querySelector('video') && document.querySelector('audio')")
        for page, note in ((publisher, "noteOwn"), (watcher, "noteOther")):
            await page.evaluate(f"import('/bench/lips.js').then(() => {note}())")
        await asyncio.sleep(WARM_UP_S)
        for page in (publisher, watcher):
            await page.evaluate("noted.flashes.length = noted.beeps.length = diary.samples.length = 0")
        await asyncio.sleep(MEASURE_S)
        source, seen = await publisher.evaluate("noted"), await watcher.evaluate("noted")
        samples = await watcher.evaluate("diary.samples")
    return Offsets(offsets_ms(source, seen), believed_ms(samples))


def offsets_ms(source: dict[str, list[float]], seen: dict[str, list[float]]) -> list[float]:
    """For each flash of the watcher: delay of the beep nearest to it less delay of the flash."""
    found = []
    for flash in seen["flashes"]:
        captured = max((at for at in source["flashes"] if at < flash), default=None)
        beep = _nearest(seen["beeps"], flash)
        if captured is None or beep is None:
            continue
        sounded = _nearest(source["beeps"], captured)
        if sounded is not None:
            found.append((beep - sounded) - (flash - captured))
    return found


def _nearest(times: list[float], to: float) -> float | None:
    near = [at for at in times if abs(at - to) < 500]
    return min(near, key=lambda at: abs(at - to), default=None)


def believed_ms(samples: list[dict[str, Any]]) -> list[float]:
    """Picture's less sound's playout time in each sample of the browser's counters."""
    found = []
    for sample in samples:
        inbound = {entry["kind"]: entry for entry in sample["stats"] if entry["type"] == "inbound-rtp"}
        times = [inbound.get(kind, {}).get("estimatedPlayoutTimestamp") for kind in ("video", "audio")]
        if all(times):
            found.append(times[0] - times[1])
    return found


def main() -> None:
    """Print the table."""
    print("| line of the watcher | flashes | p50 | size p50 | size p95 | the browser believes: size p50 / p95 |")
    print("|---|---:|---:|---:|---:|---:|")
    for says, rules in LINES:
        offsets = asyncio.run(measure(rules))
        size, believed = ([abs(value) for value in values] for values in (offsets.measured_ms, offsets.believed_ms))
        print(
            f"| {says} | {len(size)} | {median(offsets.measured_ms or [math.nan]):+.0f} ms "
            f"| {percentile(size, 0.5):.0f} ms | {percentile(size, 0.95):.0f} ms "
            f"| {percentile(believed, 0.5):.0f} / {percentile(believed, 0.95):.0f} ms |",
            flush=True,
        )


if __name__ == "__main__":
    main()
