"""`python -m bench [NAME…]` runs the benchmarks one after another; each prints its own table.

A benchmark is a module of this folder with a `main()`. Nothing else should be busy on the machine meanwhile.
"""

from __future__ import annotations

import importlib
import inspect
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


def run(names: list[str]) -> int:
    """Run the named benchmarks, all if none is named; exit status 2 for an unknown name."""
    benchmarks = find_benchmarks()
    unknown = [name for name in names if name not in benchmarks]
    if unknown:
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(benchmarks)}", file=sys.stderr)
        return 2
    sys.argv = sys.argv[:1]  # a benchmark that reads its own options sees none
    for name in names or benchmarks:
        print(f"\n## {name}\n", flush=True)
        result = benchmarks[name]()
        if inspect.iscoroutine(result):
            raise TypeError(f"bench.{name}.main() must run its loop itself")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
