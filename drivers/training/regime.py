"""Which way a network is trained, in lanes or by itself, and why."""
from __future__ import annotations

from ohmlearn.network import Network


def bytes_of_training(network: Network, rate: float, n_targets: int = 3) -> float:
    """Memory that training a large network takes at its peak, in bytes, solver included."""
    from ohmlearn.solvers.equilibrium.equilibrium import bytes_needed

    n, m = network.n_nodes, network.n_edges
    stepping = 2 * (32 * n + 16 * m) + 16 * m       # v, w, G and their registers, copies at an evaluation, the layout
    gliding = 8 * n * (8 + 8 * n_targets) + 48 * m
    return (stepping if rate > 0 else gliding) + bytes_needed(n, m)


# One run of 8000 nodes is 7 times, 8 runs are 1.1 times as fast on the large path; at 2000 nodes 8 runs are half as
# fast (benchmarks/large.md). The number of runs must not decide: a result depends on its own member alone.
LANES_UP_TO = 4000


def training_path(network: Network, plain: bool = True) -> tuple[str, str]:
    """"lanes" (many runs side by side in vector registers) or "large" (one run on all threads), and why.
    plain : whether the kernels for held and target nodes, one sample and a plain rule know it all."""
    n = network.n_nodes
    if n <= LANES_UP_TO:
        return "lanes", f"{n} nodes, no more than {LANES_UP_TO}: a block of 8 runs stays in the cache"
    if not plain:
        return "lanes", f"{n} nodes, under a task, rule or schedule that only the general kernels know"
    return "large", f"{n} nodes, more than {LANES_UP_TO}: one run at a time, on all threads, with sparse solves"


def facts(network: Network) -> list[tuple[str, str]]:
    """What `ohmlearn info NETWORK` says: the ways taken, why, and the memory that they need."""
    from ohmlearn.solvers.equilibrium.backend_table import Traits, choose
    from ohmlearn.solvers.equilibrium.equilibrium import SMALL, bytes_needed
    from ohmlearn.solvers.equilibrium.memory import GIB, available
    from ohmlearn.solvers.equilibrium.node_order import Layout


    n, m = network.n_nodes, network.n_edges
    path, why = training_path(network)
    layout = Layout.of(network) if n > SMALL else None
    thin = layout is None or layout.thin
    found = [("network", repr(network)), ("parts", str(int(network.components.max()) + 1)),
             ("training", f"{path}: {why}")]
    if path == "large":
        found.append(("memory to train", f"{bytes_of_training(network, 1.0) / GIB:.2f} GiB at R > 0, "
                      f"{bytes_of_training(network, 0.0) / GIB:.2f} GiB at R = 0"))
    for label, count in (("one solve", 1), ("many solves", 100)):
        method, reason = choose(Traits(max(n - 2, 1), thin, 0.0, count))
        found.append((label, f"{method}: {reason}; {bytes_needed(n, m, method) / GIB:.2f} GiB"))
    if layout is not None:
        reaches = "as in two dimensions" if layout.thin else "too far for a direct factor"
        found.append(("edges reach", f"{layout.bandwidth} nodes after reordering, {reaches}"))
    return [*found, ("memory free", f"{available() / GIB:.2f} GiB")]
