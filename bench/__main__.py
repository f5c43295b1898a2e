"""`python -m bench [NAME…] [--OPTION…]` runs the benchmarks one after another; each prints its own table.

Options are for the benchmark that is named alone: `python -m bench forwarding --quick`.
A benchmark is a module of this folder with a `main()`; one that says ON_REQUEST runs only when it is named.
Nothing else should be busy on the machine meanwhile.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
import sys
from collections.abc import Callable

import bench


def find_benchmarks() -> dict[str, Callable[[], object]]:
    """Name → what runs it, for every module here that has a `main()` without required arguments."""
    found: dict[str, Callable[[], object]] = {}
    for info in pkgutil.iter_modules(bench.__path__):
        if info.name.startswith("_"):
            continue
        main = getattr(importlib.import_module(f"bench.{info.name}"), "main", None)
        if callable(main):
            found[info.name] = main
    return found


def _is_on_request(main: Callable[[], object]) -> bool:
    return bool(getattr(sys.modules[main.__module__], "ON_REQUEST", False))


def run(arguments: list[str]) -> int:
    """Run the named benchmarks, all if none is named; exit status 2 for an unknown name."""
    benchmarks = find_benchmarks()
    names = list(itertools.takewhile(lambda argument: not argument.startswith("-"), arguments))
    sys.argv = sys.argv[:1] + (arguments[1:] if len(names) == 1 else [])  # what a benchmark reads as its options
    if not names and arguments:
        print(f"{__doc__}\nBenchmarks: {', '.join(benchmarks)}")
        return 0 if arguments[0] in ("-h", "--help") else 2
    unknown = [name for name in names if name not in benchmarks]
    if unknown:
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(benchmarks)}", file=sys.stderr)
        return 2
    for name in names or [name for name, main in benchmarks.items() if not _is_on_request(main)]:
        print(f"\n## {name}\n", flush=True)
        result = benchmarks[name]()
        if inspect.iscoroutine(result):
            raise TypeError(f"bench.{name}.main() must run its loop itself")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
