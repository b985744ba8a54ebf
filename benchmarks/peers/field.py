"""One training by other programs of the field, from their own sources, against the same training here.

    python benchmarks/peers/field.py --authors FOLDER --sparse FOLDER [--record]

FOLDER holds a copy of the sources, which are not part of this project: the code that goes with paper 1 (Zenodo
10.5281/zenodo.5675821, `LearnModCoupled.py`) and the sparse solver for coupled learning by T. Raheja, M. Stern and
A. Liu (`sparse_coupled_learning`, `CLSolver`). Either may be left out. Processor time of one core, medians of
interleaved repeats with their range; that both come to the same is printed beside it.
"""
from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import ohmlearn as ol
from scipy.integrate import odeint

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_ext"))
from measured import record

ETA, UPDATES, REPEATS = 1e-3, 300, 5
NET = ol.Network.packing(64, seed=1)
TASK = ol.Task.allosteric(NET, 10, 3, seed=3)


def ratio(theirs: Callable[[], object], ours: Callable[[], object]) -> str:
    """Their processor time over ours."""
    found = []
    for _ in range(REPEATS):
        spent = []
        for function in (theirs, ours):
            begin = time.process_time()
            function()
            spent.append(time.process_time() - begin)
        found.append(spent[0] / spent[1])
        last = spent
    return (f"{np.median(found):.0f} times faster ({min(found):.0f} to {max(found):.0f}): {last[1] * 1e3:.2f} ms "
            f"against {last[0] * 1e3:.0f} ms")


def authors(folder: Path, rate: float) -> str:
    """Their right-hand side of v, w and G in SciPy's odeint, as their notebook runs it, up to our training time."""
    for absent in ("netCDF4", "network_plot"):     # which the right-hand side does not need
        sys.modules.setdefault(absent, types.ModuleType(absent))
    for name in ("Dataset", "chartostring", "stringtoarr"):
        setattr(sys.modules["netCDF4"], name, None)
    sys.path[:0] = [str(folder), str(folder / "PySources")]
    from LearnModCoupled import dPKdt

    n, m, ends = NET.n_nodes, NET.n_edges, NET.edges.T
    sources, targets = TASK.sources, TASK.targets
    held = np.append(sources, targets)
    free, rest = np.setdiff1d(np.arange(n), sources), np.setdiff1d(np.arange(n), held)
    run = ol.train(NET, TASK, rate, threads=1)
    v = ol.voltages(NET, TASK, 1.0)
    nudged = v[targets] + ETA * (TASK.target_voltages - v[targets])
    w = ol.voltages(NET, ol.Task(held, np.append(TASK.source_voltages, nudged), [int(rest[0])], [0.0]), 1.0)
    given = [n, m, ends[0], ends[1], sources, targets, held, free, rest, TASK.target_voltages, NET.incidence.toarray(),
             ETA, rate]
    ended = []

    def theirs() -> None:
        plain = getattr(dPKdt, "py_func", dPKdt)        # what Numba no longer compiles runs as plain NumPy
        ended[:] = odeint(plain, np.concatenate([v, w, np.ones(m)]), [0.0, run.training_time], (given,), mxstep=10 ** 6)

    said = ratio(theirs, lambda: ol.train(NET, TASK, rate, threads=1))
    error = ol.voltages(NET, TASK, ended[-1][2 * n:])[targets] - TASK.target_voltages
    print(f"code of paper 1, R = {rate:g}: {said}; their C*/C*(0) at our τ: {error @ error / run.initial_cost:.3g}")
    return said


def sparse(folder: Path) -> str:
    """Coupled learning in finite steps at equilibrium voltages."""
    sys.path.insert(0, str(folder))
    from CLSolver.LinearNetwork import LinearNetwork
    from CLSolver.LinearNetworkSolver import LinearNetworkSolver

    # the ground stays at 0 V, the held nodes of the task have their voltages
    moved = TASK.sources[TASK.source_voltages != 0]
    network = LinearNetwork(NET.to_networkx())
    network.EI, network.EJ = NET.edges.T
    ended = []

    def theirs() -> None:
        solver = LinearNetworkSolver(network)
        volts = TASK.source_voltages[TASK.source_voltages != 0]
        with contextlib.redirect_stdout(io.StringIO()):
            ended[:] = [solver.perform_trial(
                source_nodes=moved.tolist(), target_nodes=TASK.targets.tolist(), source_edges=[], target_edges=[],
                ground_nodes=[NET.n_nodes - 1], in_node=volts[None], out_node=TASK.target_voltages[None],
                in_edge=np.zeros((1, 0)), out_edge=np.zeros((1, 0)), eta=ETA, lr=2.0, steps=UPDATES,
                init_strategy="ones")]

    def ours() -> ol.Run:
        return ol.train(NET, TASK, 0.0, updates=ol.rules.Discrete(step=1.0), until=None, t_max=float(UPDATES),
                        threads=1)

    said = ratio(theirs, ours)
    apart = np.abs(ended[0][0] / ours().conductances - 1).max()
    print(f"sparse_coupled_learning, {UPDATES} updates: {said}; conductances differ by {apart:.1e} at most")
    return said


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--authors", type=Path)
    words.add_argument("--sparse", type=Path)
    words.add_argument("--record", action="store_true", help="write the ratios to docs/measured.toml")
    given = words.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    found = {}
    if given.authors:
        found |= {"field_authors": authors(given.authors, 1.0), "field_authors_slow": authors(given.authors, 0.01)}
    if given.sparse:
        found["field_sparse"] = sparse(given.sparse)
    for name, text in found.items():
        if given.record:
            record(name, text)


if __name__ == "__main__":
    main()
