"""Many right-hand sides together against one at a time, and resistances of many pairs against a solve for each.

    python benchmarks/many_pairs.py [SIDE] [PAIRS] [ROUNDS]

On a lattice of SIDE × SIDE nodes, conductances over two decades. Processor time of one thread of whole calls, with all
checks: in turns, 32 unit currents between random pairs together and six of them one at a time; then PAIRS pairs by
`effective_resistance` on one direct factor, and the most memory that the process took. Set OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1 first.
"""
from __future__ import annotations

import resource
import sys
import time

import numpy as np
import ohmlearn as ol

TOGETHER, ALONE = 32, 6


def clock(job: object) -> float:
    """Seconds of this thread that a call takes."""
    begin = time.thread_time()
    job()  # type: ignore[operator]
    return time.thread_time() - begin


def main(side: int, count: int, rounds: int) -> None:
    network, rng = ol.Network.grid(side, side), np.random.default_rng(0)
    n, g = network.n_nodes, 10 ** rng.uniform(-1, 1, network.n_edges)
    into, start = np.zeros((n, TOGETHER)), np.zeros(n)
    for column in into.T:
        column[rng.choice(n, 2, replace=False)] = 1.0, -1.0
    ones = [np.ascontiguousarray(into[:, k]) for k in range(ALONE)]
    single = np.inf
    for method in ("approximate-cholesky", "superlu"):
        circuit = ol.Equilibrium(network, [0], method, threads=1)
        circuit.solve(g, currents=into[:, :8], start=start)
        found = []
        for _ in range(rounds):
            together = clock(lambda c=circuit: c.solve(g, currents=into, start=start)) / TOGETHER
            alone = np.mean([clock(lambda c=circuit, i=i: c.solve(g, currents=i, start=start)) for i in ones])
            found.append((alone, together, alone / together))
            single = min(single, alone)
        low, middle, high = np.quantile([ratio for *_, ratio in found], [0, 0.5, 1])
        print(f"{method}, {n} nodes: one at a time {1e3 * min(f[0] for f in found):.1f} ms, of {TOGETHER} together "
              f"{1e3 * min(f[1] for f in found):.1f} ms; {middle:.2f} times ({low:.2f} to {high:.2f})", flush=True)
    circuit = ol.Equilibrium(network, [0])
    pairs = rng.integers(0, n, (count, 2))
    factor = clock(lambda: circuit.effective_resistance(pairs[:1], g))
    rest = clock(lambda: circuit.effective_resistance(pairs))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{count} pairs: factor {factor:.1f} s, pairs {rest:.1f} s, {1e3 * rest / count:.2f} ms each, 1/"
          f"{single * count / (factor + rest):.0f} of a solve for each (the quicker way); {peak:.2f} GiB at most")


if __name__ == "__main__":
    main(*(int(word) for word in [*sys.argv[1:], *["700", "20000", "3"][len(sys.argv) - 1:]]))
