"""Memory that work will take, said before it starts."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from ohmlearn.kernels.linalg.index_type import index_type

from .backends import installed

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


def bytes_needed(n_nodes: int, n_edges: int, method: str = "auto") -> float:
    """Memory that an Equilibrium takes at its peak, in bytes; "auto" counts as the largest of what it may take.

    Peaks at 1e5 and 1e6 nodes were 5 to 25 % lower; factors of networks that are not planar-like grow beyond it.
    """
    if method == "auto":
        method = "cholmod" if installed("cholmod") else "superlu"
    entries = n_nodes + 2 * n_edges
    pattern = 40 * n_nodes + 28 * n_edges + 12 * entries                 # layout, ends, plan, core's CSR
    sampled = 60 * n_edges + 60 * n_nodes
    if index_type(4 * n_edges + 2) is np.int64:                          # of which these are indices
        pattern += 40 * n_nodes + 28 * n_edges + 4 * entries
        sampled += 36 * n_nodes + 36 * n_edges
    direct = n_nodes * np.log2(n_nodes + 2)
    # of a direct factor: as it is made, copied out, and laid out anew to be kept
    fill = {"superlu": 51 * direct, "cholmod": 33 * direct, "amg": 40 * entries}
    return 1.25 * float(pattern + fill.get(method, sampled) + 8 * 8 * n_nodes)
