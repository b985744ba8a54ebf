"""Newton's iteration from zero on random circuits of nonlinear edges: how many are not solved, and in how many steps.

    python benchmarks/nonlinear_equilibria.py [BLOCKS]

A block is eight circuits on one random network, with other gates and held voltages. Every circuit has one equilibrium.
Counted are blocks with any circuit that was refused.
"""
from __future__ import annotations

import sys

import numpy as np
from ohmlearn import Network
from ohmlearn.edges import NMOS, Cubic, Diode, IdealDiode, Linear, Offset, PerEdge
from ohmlearn.solvers.nonlinear.equilibrium import NonlinearEquilibrium
from ohmlearn.solvers.not_converged import NotConverged

KINDS = [Linear(), NMOS(gain=0.5, leak=1e-3), Diode(1e-6, 0.03, leak=1e-9), IdealDiode(50.0, 1e-3), Cubic(0.5),
         Offset(0.1)]
LAWS = {"square law, leaks of 1e-8": (NMOS(threshold=0.75, leak=1e-8), (0.75, 4.0)),
        "level 1 with series resistances": (NMOS.ald1106(), (0.4, 4.0)),
        "six laws at random": (None, (0.3, 3.0))}


def network(rng: np.random.Generator, n_nodes: int, n_edges: int) -> Network:
    """A random tree and more edges at random."""
    tree = np.stack([np.arange(1, n_nodes), [rng.integers(k) for k in range(1, n_nodes)]], axis=1)
    more = rng.integers(n_nodes, size=(4 * n_edges, 2))
    return Network(np.concatenate([tree, more[more[:, 0] != more[:, 1]]])[:n_edges], n_nodes)


def main(blocks: int) -> None:
    for name, (law, span) in LAWS.items():
        for n_nodes, n_edges, volts in ((16, 34, 0.45), (16, 34, 5.0), (64, 142, 5.0)):
            refused, most = 0, 0
            count = max(1, blocks // (1 if n_nodes == 16 else 4))
            for seed in range(count):
                rng = np.random.default_rng(seed)
                net = network(rng, n_nodes, n_edges)
                edges = PerEdge(KINDS, rng.integers(len(KINDS), size=n_edges)) if law is None else law
                held = rng.choice(n_nodes, 4, replace=False)
                circuit = NonlinearEquilibrium(net, held, edges)
                try:
                    circuit.solve(rng.uniform(*span, (n_edges, 8)), rng.uniform(0, volts, (4, 8)))
                    most = max(most, circuit.iterations)
                except NotConverged:
                    refused += 1
            print(f"{name}, {n_nodes} nodes, up to {volts:g} V: {refused} of {count} blocks of 8 refused; at most "
                  f"{most} iterations", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1250)
