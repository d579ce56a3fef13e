"""What is measured on, and what processes use: read from /proc, so only on Linux."""

import os
import platform
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def memory_mib(pid, field="VmRSS"):
    """Resident memory of a process and its children."""
    total = 0
    for one in [pid, *children(pid)]:
        try:
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(field + ":"))
    return round(total / 1024, 1)


def children(pid):
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(one) for one in path.read_text().split()]
        except OSError:
            continue
        for one in direct:
            found += [one, *children(one)]
    return found


def cpu_seconds(pid):
    """Processor time that a process and its children have used."""
    total = 0
    for one in [pid, *children(pid)]:
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def load():
    return round(os.getloadavg()[0], 2)


def syncs_per_second(folder, seconds=1.0):
    """How often this disk appends 4 KiB and puts them down for good in a second."""
    path = Path(folder) / "sync.probe"
    rates = []
    for _ in range(3):
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        block, count, start = os.urandom(4096), 0, time.monotonic()
        while time.monotonic() - start < seconds:
            os.write(handle, block)
            os.fdatasync(handle)
            count += 1
        rates.append(count / (time.monotonic() - start))
        os.close(handle)
        path.unlink()
    return round(sorted(rates)[1])


def describe(folder):
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    return {
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "processor": model,
        "processors": os.cpu_count(),
        "memory_mib": memory,
        "kernel": platform.release(),
        "load_at_start": load(),
        "syncs_per_second": syncs_per_second(folder),
    }
