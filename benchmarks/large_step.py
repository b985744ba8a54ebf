"""The RK4 step of a large network against the memory's bandwidth, SciPy and, where it is given, hand-written C.

    OHMLEARN_YARDSTICKS=FOLDER python benchmarks/large_step.py N_NODES [REPEATS]

FOLDER holds large.c (step_scat and triad); without it the rows of C are left out and the triad is NumPy's. Every
figure is taken in turns within one run, by the processor time of one thread: best and median of the repeats.
"""
from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import ohmlearn as ol
from ohmlearn.solvers.large.rk4 import Stepper
from scipy.sparse import csr_array

BYTES = 676           # a node-step at mean degree 4.5: every array of state, register and graph once a stage
TRIAD = 1 << 25


def compiled(folder: Path, where: str) -> ctypes.CDLL:
    """large.c as a shared library."""
    library = Path(where) / "large.so"
    compiler = [sys.executable, "-m", "ziglang", "cc"] if os.environ.get("OHMLEARN_CC") == "zig" else ["cc"]
    subprocess.run([*compiler, "-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-shared", "-fPIC",
                    str(folder / "large.c"), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def c_step(library: ctypes.CDLL, stepper: Stepper, dt: float) -> Callable[[], None]:
    """One step of the C code on copies of the same state."""
    ends, pace, n = stepper.layout.ends, stepper.pace(dt), stepper.network.n_nodes
    x, g = stepper.state.x.copy(), stepper.state.g.copy()
    y, q, acc, gq = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x), np.zeros_like(g)
    kind = np.zeros(n, dtype=np.int8)
    kind[stepper.graph.marked] = np.where(stepper.graph.target < 0, 1, 2)
    a, b = (np.ascontiguousarray(ends[:, side].astype(np.int32)) for side in (0, 1))
    arrays = [pointer(array) for array in (a, b, x, y, q, g, gq, acc, kind)]
    numbers = [ctypes.c_double(value) for value in (pace.dt, pace.learn, pace.nudge, pace.floor)]
    kept = (a, b, x, y, q, g, gq, acc, kind)
    return lambda: library.step_scat(ctypes.c_long(n), ctypes.c_long(g.size), *arrays, *numbers) and kept


def scipy_step(stepper: Stepper, dt: float) -> Callable[[], None]:
    """Classical RK4 with the Laplacian in CSR, refilled in every stage, v and w side by side."""
    from ohmlearn.solvers.equilibrium.grounded_laplacian import Laplacian

    network, layout = stepper.network, stepper.layout
    laplacian = Laplacian(network, np.array([], dtype=np.int64), layout)
    a, b = layout.ends.astype(np.int64).T
    x = np.ascontiguousarray(stepper.state.x.reshape(-1, 2))
    g, pace, marked, target = stepper.state.g.copy(), stepper.pace(dt), stepper.graph.marked, stepper.graph.target
    user = np.empty_like(g)

    def slopes(x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        user[layout.edges] = g
        matrix: csr_array = laplacian.matrix(user)
        k = -pace.dt * (matrix @ x)
        k[marked[target < 0]] = 0
        k[marked[target >= 0], 1] = -k[marked[target >= 0], 0]
        d = x[b] - x[a]
        rate = -pace.learn * d[:, 1] * (2 * d[:, 0] + pace.nudge * d[:, 1])
        return k, np.maximum(rate, pace.relax * (pace.floor - g))

    def step() -> None:
        kx, kg = [], []
        for weight in (0.0, 0.5, 0.5, 1.0):
            at = (x + weight * kx[-1], g + weight * kg[-1]) if kx else (x, g)
            slope = slopes(*at)
            kx.append(slope[0])
            kg.append(slope[1])
        x[:] += (kx[0] + 2 * kx[1] + 2 * kx[2] + kx[3]) / 6
        g[:] = np.maximum(g + (kg[0] + 2 * kg[1] + 2 * kg[2] + kg[3]) / 6, pace.floor)
    return step


def triads(library: ctypes.CDLL, *arrays: np.ndarray) -> tuple[Callable[[], object], Callable[[], object]]:
    """The triad on one thread, and in halves on two."""
    def part(first: int, last: int) -> None:
        library.triad(ctypes.c_long(last - first), *(pointer(array[first:last]) for array in arrays),
                      ctypes.c_double(2.0))

    def both() -> None:
        other = Thread(target=part, args=(TRIAD // 2, TRIAD))
        other.start()
        part(0, TRIAD // 2)
        other.join()
    return lambda: part(0, TRIAD), both


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    begin = clock()
    work()
    return clock() - begin


def main(n_nodes: int, repeats: int) -> None:
    network = ol.Network.delaunay(n_nodes, seed=3)
    task, rng = ol.Task.allosteric(network), np.random.default_rng(0)
    one, two = (Stepper(network, task, ol.Rule(floor_mode="clip"), 0.01, threads) for threads in (1, 2))
    for stepper in (one, two):
        stepper.put(rng.normal(size=n_nodes), rng.normal(size=n_nodes), np.ones(network.n_edges))
    source, second, target = np.ones(TRIAD), np.ones(TRIAD), np.zeros(TRIAD)
    steps = max(2, 2_000_000 // n_nodes)
    work: dict[str, tuple[Callable[[], object], Callable[[], float], int]] = {
        "one thread": (lambda: one.steps(steps, 0.01), time.thread_time, steps),
        "two threads": (lambda: two.steps(2 * steps, 0.01), time.perf_counter, 2 * steps),
        "scipy": (scipy_step(one, 0.01), time.thread_time, 1),
    }
    triad: Callable[[], object] = lambda: np.add(source, second, out=target)  # noqa: E731
    with tempfile.TemporaryDirectory() as where:
        if folder := os.environ.get("OHMLEARN_YARDSTICKS"):
            library = compiled(Path(folder), where)
            in_c = c_step(library, one, 0.01)
            work["C"] = (lambda: [in_c() for _ in range(steps)], time.thread_time, steps)
            triad, pair = triads(library, target, source, second)
            work["triad, two threads"] = (pair, time.perf_counter, 1)
        work["triad"] = (triad, time.thread_time, 1)
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(repeats + 1):
            for name, (f, clock, count) in work.items():
                times[name].append(seconds(f, clock) / count)
    report(n_nodes, {name: np.array(values[1:]) for name, values in times.items()}, one)


def report(n_nodes: int, times: dict[str, np.ndarray], stepper: Stepper) -> None:
    best = {name: float(values.min()) for name, values in times.items()}
    spread = {name: float(np.median(values) / values.min()) for name, values in times.items()}
    print(f"{n_nodes} nodes, {stepper.network.n_edges} edges, reach {stepper.layout.bandwidth}")
    for name in times:
        if name.startswith("triad"):
            print(f"{name:18} {24 * TRIAD / best[name] / 1e9:.1f} GB/s (median {spread[name]:.2f} of the time)")
            continue
        like = "triad, two threads" if name == "two threads" and "triad, two threads" in best else "triad"
        bandwidth = 24 * TRIAD / best[like]
        print(f"{name:18} {best[name] / n_nodes * 1e9:.2f} ns a node-step (median {spread[name]:.2f} of it), "
              f"{BYTES * n_nodes / best[name] / bandwidth:.2f} of {like} at {BYTES} bytes, "
              f"{best[name] / best['one thread']:.2f} of one thread")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
