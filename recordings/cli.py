"""The command line: compose a recording, verify a bag, show what is in one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import av.error

from recordings.compose import NothingRecordedError, compose
from recordings.digests import ALGORITHMS
from recordings.show import describe, printable
from recordings.verify import verify

NOTHING_RECORDED = 3

_KINDS = {
    "changed": "内容被改动",
    "missing": "文件缺失",
    "extra": "多出的文件",
    "unsafe": "不是普通文件",
    "format": "格式不符",
    "unusable": "无法使用",
    "incomplete": "内容不完整",
}


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. 0 all is well, 1 it is not, 2 the command is not understood, 3 nothing to compose."""
    parser = argparse.ArgumentParser(prog="python -m recordings", description=__doc__)
    commands = parser.add_subparsers(required=True)
    composing = commands.add_parser("compose", help="compose a recording into one MP4 合成视频")
    composing.add_argument("folder", type=Path)
    composing.add_argument("output", type=Path)
    composing.set_defaults(run=_compose)
    verifying = commands.add_parser("verify", help="verify a bag and name each file at fault 检验档案包")
    verifying.add_argument("bag", type=Path)
    verifying.add_argument("--manifest-sha256", help="what the ledger noted when the bag was sealed")
    verifying.add_argument("--sha256-only", action="store_true", help="leave out SM3, which takes five times as long")
    verifying.set_defaults(run=_verify)
    showing = commands.add_parser("show", help="show what is in a bag 查看档案包")
    showing.add_argument("bag", type=Path)
    showing.set_defaults(run=_show)
    options = parser.parse_args(arguments)
    return int(options.run(options))


def _compose(options: argparse.Namespace) -> int:
    """Prints `progress 0.42` as it goes on, `damaged FILE` for each track not wholly readable, `duration S`."""
    try:
        info = compose(options.folder, options.output, lambda part: print(f"progress {part:.3f}", flush=True))
    except NothingRecordedError:
        print(f"nothing was recorded in {options.folder}", file=sys.stderr)
        return NOTHING_RECORDED
    except (OSError, av.error.FFmpegError) as error:
        print(f"cannot compose {options.folder}: {error or type(error).__name__}", file=sys.stderr)
        return 1
    for file in info.damaged:
        print(f"damaged {file}")
    print(f"duration {info.duration_s:.3f}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    """Prints how far it is to a terminal, then the faults."""
    algorithms = ("sha256",) if options.sha256_only else ALGORITHMS
    report = verify(options.bag, options.manifest_sha256, algorithms, _show_progress)
    for fault in report.faults:
        print(printable(f"{fault.path}: {fault.kind} {_KINDS.get(fault.kind, '')}: {fault.text}"))
    if not report.ok:
        print(f"NOT VALID 不合格: {len(report.faults)} faults in {options.bag}")
        return 1
    print(f"valid 合格: {report.files} files in {options.bag}")
    print(f"manifest-sha256.txt: {report.manifest_sha256}")
    return 0


def _show_progress(done: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:4.0%}", end="\r" if done == 1 else "", file=sys.stderr, flush=True)


def _show(options: argparse.Namespace) -> int:
    try:
        lines = describe(options.bag)
    except (OSError, ValueError) as error:
        print(printable(f"cannot read {options.bag}: {error}"), file=sys.stderr)
        return 1
    for line in lines:
        print(printable(line))
    return 0
