"""The command line of `recordings`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import av.error

from recordings.compose import NothingRecordedError, compose


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 0 when all is well, 1 when not, 2 when the command is not understood."""
    parser = argparse.ArgumentParser(prog="python -m recordings", description=__doc__)
    commands = parser.add_subparsers(required=True)
    composing = commands.add_parser("compose", help="compose a recording into one MP4")
    composing.add_argument("folder", type=Path)
    composing.add_argument("output", type=Path)
    composing.set_defaults(run=_compose)
    options = parser.parse_args(arguments)
    return int(options.run(options))


def _compose(options: argparse.Namespace) -> int:
    """Prints `progress 0.42` as it goes on, `damaged FILE` for each track not wholly readable, `duration S`."""
    try:
        info = compose(options.folder, options.output, lambda part: print(f"progress {part:.3f}", flush=True))
    except (NothingRecordedError, OSError, av.error.FFmpegError) as error:
        print(f"cannot compose {options.folder}: {error or type(error).__name__}", file=sys.stderr)
        return 1
    for file in info.damaged:
        print(f"damaged {file}")
    print(f"duration {info.duration_s:.3f}")
    return 0
