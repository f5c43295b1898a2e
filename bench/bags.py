"""Sealing and verifying a bag of recordings, beside openssl and bagit-python on the same files.

`python -m bench bags --megabytes 400`: 2000 if not said. Each row is the best of three, from files in the page cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from recordings.bag import seal
from recordings.verify import verify

FILES = 8  # tracks of a meeting; one has a quarter of all
INFO = {"External-Identifier": "bench", "Source-Organization": "bench"}
TRIES = 3


def main() -> None:
    """Prints one line for each way, in MB/s."""
    options = argparse.ArgumentParser()
    options.add_argument("--megabytes", type=int, default=2000)
    megabytes = options.parse_args().megabytes
    with tempfile.TemporaryDirectory() as name:
        for text, rate in measure(Path(name), megabytes):
            print(f"{text:<44} {rate:7.0f} MB/s", flush=True)


def measure(folder: Path, megabytes: int) -> list[tuple[str, float]]:
    """What was done, and its MB/s."""
    payload = _make_files(folder / "tracks", megabytes)
    bag = folder / "bag"
    paths = [str(path) for path in payload.values()]

    def seal_anew() -> None:
        shutil.rmtree(bag, ignore_errors=True)
        seal(bag, payload, INFO)

    def run(*command: str) -> Callable[[], object]:
        return lambda: subprocess.run(command, check=True, capture_output=True)

    ways: dict[str, Callable[[], object]] = {
        "seal, SHA-256 and SM3": seal_anew,
        "verify, SHA-256 and SM3": lambda: verify(bag),
        "verify --sha256-only": lambda: verify(bag, algorithms=("sha256",)),
        "openssl dgst -sha256 (one core)": run("openssl", "dgst", "-sha256", *paths),
        "openssl dgst -sm3 (one core)": run("openssl", "dgst", "-sm3", *paths),
        "bagit.py --validate --processes 2": run(
            sys.executable, "-m", "bagit", "--validate", "--processes", "2", "--quiet", str(bag)
        ),
    }
    return [(text, megabytes / min(_seconds(way) for _ in range(TRIES))) for text, way in ways.items()]


def _make_files(folder: Path, megabytes: int) -> dict[str, Path | bytes]:
    folder.mkdir()
    block = os.urandom(1_000_000)
    sizes = [megabytes // 4, *[megabytes * 3 // 4 // (FILES - 1)] * (FILES - 1)]
    sizes[-1] += megabytes - sum(sizes)
    payload: dict[str, Path | bytes] = {}
    for number, size in enumerate(sizes):
        path = folder / f"{number}.bin"
        with path.open("wb") as file:
            for _ in range(size):
                file.write(block)
        payload[f"tracks/{path.name}"] = path
    return payload


def _seconds(way: Callable[[], object]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began
