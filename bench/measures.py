"""What is read from the operating system: a process's CPU time, and which machine this is."""

from __future__ import annotations

import os
import platform
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads: nanoseconds from the scheduler, or ticks where it does not tell."""
    tasks = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
    if tasks:
        return sum(map(_ran_ns, tasks)) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ran_ns(task: Path) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended since they were listed
        return int(task.read_text().split()[0])
    return 0


def core_seconds(core: int) -> float:
    """How long a core has worked since the machine started, for whomever."""
    found = re.search(rf"^cpu{core} (.+)$", Path("/proc/stat").read_text(), re.MULTILINE)
    user, nice, system, _idle, _waits, *interrupts = map(int, found[1].split() if found else [])
    return (user + nice + system + sum(interrupts[:2])) / os.sysconf("SC_CLK_TCK")


def pin(pid: int, core: int | None) -> None:
    """Keeps all threads of a process on one core, or lets them have all that this process may use."""
    cores = {core} if core is not None else os.sched_getaffinity(os.getppid())
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of ordered values; not a number if there are none."""
    return ordered[int(share * (len(ordered) - 1))] if ordered else float("nan")


def machine() -> str:
    """Cores, processor and kernel, for the head of a table."""
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    name = found[1] if found else platform.machine()
    return f"{len(os.sched_getaffinity(0))} cores of {name}, {platform.system()} {platform.release()}"


def own_address() -> str:
    """This machine's own IPv4 address, for forwarders that leave loopback out; packets to it stay on the machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it only asks for the route
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def peak_mib(pid: int) -> float:
    """The most that a process has held in memory at once, shared pages included, in MiB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
