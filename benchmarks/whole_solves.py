"""Whole calls of Equilibrium.solve, every check included: "auto" against every installed backend, in turns.

    python benchmarks/whole_solves.py N_NODES [ROUNDS] [METHOD ...]

"first" makes the Equilibrium (network laid out before) and solves once; "later" ones, three a round, come with other
conductances (uniform ones with twice as large) and start from zero, so that nothing but an analysis serves twice.
Processor time of one thread; medians of the rounds, of the time and of its ratio to the fastest backend's in the same
round, with the quartiles of the latter. Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 first.
"""
from __future__ import annotations

import sys
import time

import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.equilibrium import backends
from ohmlearn.solvers.equilibrium.node_order import Layout


def round_of(network: ol.Network, decades: float, methods: list[str], seed: int) -> np.ndarray:
    """(methods, 4) seconds; the methods take turns at every solve, from another one on in every round."""
    rng = np.random.default_rng(seed)
    draws = [2.0**k * 10 ** rng.uniform(-decades / 2, decades / 2, network.n_edges) for k in range(4)]
    circuits: dict[str, ol.Equilibrium] = {}
    seconds = np.empty((len(methods), 4))
    turns = np.roll(np.arange(len(methods)), seed)
    for k, g in enumerate(draws):
        for i in turns:
            begin = time.thread_time()
            if k == 0:
                circuits[methods[i]] = ol.Equilibrium(network, [0, network.n_nodes - 1], methods[i])
            circuits[methods[i]].solve(g, [1.0, 0.0], start=np.zeros(network.n_nodes))
            seconds[i, k] = time.thread_time() - begin
    return seconds


def main(n_nodes: int, rounds: int, chosen: list[str]) -> None:
    network = ol.Network.delaunay(n_nodes, seed=3)
    Layout.of(network)
    methods = ["auto", *(chosen or [m for m in backends.BACKENDS if backends.installed(m)])]
    for decades in (0, 4):
        round_of(ol.Network.delaunay(2500, seed=3), decades, methods, 0)
        times = np.array([round_of(network, decades, methods, seed) for seed in range(rounds)])
        first, later = times[:, :, 0], np.median(times[:, :, 1:], axis=2)
        for what, t in (("first", first), ("later", later)):
            ratio = t / t[:, 1:].min(axis=1, keepdims=True)
            for method, own, r in zip(methods, t.T, ratio.T, strict=True):
                low, middle, high = np.quantile(r, (0.25, 0.5, 0.75))
                print(f"{n_nodes} nodes, {decades} decades, {what}: {method:22} {np.median(own):8.4f} s, {middle:5.2f} "
                      f"({low:.2f} to {high:.2f}) of the fastest", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 9, sys.argv[3:])
