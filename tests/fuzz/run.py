"""`python -m tests.fuzz.run NAME [SECONDS]`: fuzz one target for so long; what breaks it is kept in the corpus.

Coverage-guided with atheris where that is installed (`pip install atheris`; it is no dependency), else blindly.
"""

from __future__ import annotations

import hashlib
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.changes import KINDS, change
from tests.fuzz.targets import CORPUS, TARGETS, Target, corpus

try:
    import atheris
except ImportError:
    atheris = None


def keep(name: str, data: bytes) -> None:
    """Puts what broke a target into its corpus, so that tests hold it from now on."""
    path = CORPUS / name / f"crash-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    print(f"kept as {path}", file=sys.stderr)


def keeping(name: str) -> Target:
    """The target, which keeps what it fails on before it does."""

    def target(data: bytes) -> None:
        try:
            TARGETS[name](data)
        except BaseException:
            keep(name, data)
            raise

    return target


def run_blindly(name: str, seconds: float) -> None:
    """Random changes of the corpus."""
    target, seeds, ends_s, runs = keeping(name), corpus(name), time.monotonic() + seconds, 0
    while time.monotonic() < ends_s:
        number = random.randint(0, 8)
        changes = [(random.choice(KINDS), random.randrange(4096), random.randrange(256)) for _ in range(number)]
        target(change(random.choice(seeds), random.choice(seeds), changes))
        runs += 1
    print(f"{name}: {runs} inputs, nothing found")


def run_guided(name: str, seconds: float) -> None:
    """With coverage of station.rtc and of what it parses with; new inputs of interest stay in a scratch folder."""
    scratch = Path(tempfile.gettempdir()) / f"station-fuzz-{name}"
    scratch.mkdir(exist_ok=True)
    atheris.instrument_all()
    arguments = [sys.argv[0], f"-max_total_time={int(seconds)}", "-max_len=20000", str(scratch), str(CORPUS / name)]
    atheris.Setup(arguments, keeping(name))
    atheris.Fuzz()


if __name__ == "__main__":
    chosen, wanted_s = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    (run_guided if atheris is not None else run_blindly)(chosen, wanted_s)
