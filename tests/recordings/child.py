"""A process that records as the media role does, for tests that kill it or fill its disk. Not a test.

`child.py FOLDER SECONDS [LIMIT]`: records a camera and a microphone in real time and prints the time of each
video frame once it was handed over; LIMIT is the largest file it may write, in bytes.
"""

import asyncio
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

from recordings.recorder import RoomRecorder
from tests.recordings.media import FPS, sound, track, video


async def main(folder: Path, seconds: float, limit: int | None) -> None:
    pictures, packets = video("h264", 50, at_ms=0, noise=limit is not None), sound(2, at_ms=0)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    recorder = RoomRecorder(folder, lambda code: print("alarm", code, flush=True))
    recorder.open_track(track("c"))
    recorder.open_track(track("m", "microphone", "opus"))
    begin = time.time()
    recorder.start(begin * 1000)
    for index in range(round(seconds * FPS)):
        await asyncio.sleep(max(0.0, begin + index / FPS - time.time()))
        at_ms = (begin + index / FPS) * 1000
        for half in (0, 1):
            packet = packets[(2 * index + half) % len(packets)]
            recorder.write("m", replace(packet, at_ms=at_ms + 20 * half))
        recorder.write("c", replace(pictures[index % len(pictures)], at_ms=at_ms))
        print("frame", at_ms, recorder.state, flush=True)
    recorder.stop((begin + seconds) * 1000)
    await recorder.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None))
