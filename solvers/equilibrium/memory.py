"""Memory that work will take, said before it starts."""
from __future__ import annotations

from pathlib import Path

GIB = 2.0**30


def available() -> float:
    """Bytes that this process may still take, by the system and by its control group; infinite if unknown."""
    limits = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable"):
                limits.append(1024.0 * int(line.split()[1]))
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            limits.append(float(limit) - float((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass
    return min(limits, default=float("inf"))


def require(needed: float, what: str, remedy: str) -> None:
    """Raise MemoryError before work starts that would not fit; needed in bytes."""
    free = available()
    if needed > free:
        raise MemoryError(f"{what} needs about {needed / GIB:.1f} GiB and {free / GIB:.1f} GiB are free; {remedy}")
