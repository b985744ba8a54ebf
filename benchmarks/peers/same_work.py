"""The same work at the same accuracy by every peer: members of one packing trained at R = 1 up to the same time.

    taskset -c 0 python benchmarks/peers/same_work.py packing_01.txt [--record FILE]

64 tasks of paper 1 (10 sources, 3 targets), each with v, w and G from equilibrium to t = 100/γp. Every peer takes the
loosest tolerance, or the longest step, at which no conductance of the first 8 members errs by more than 1e-3 of G(0),
as DOP853 at a tolerance of 1e-11 tells. Then processor time a member, without what is compiled before: medians of three
repeats, in turns with ours, whose time has the evaluations of the cost in it. Peers that go member by member do so for
8 of them. Those that are not installed are left out; they belong into an environment of their own:

    pip install jax diffrax numbalsoda scikit-sundae torch torchdiffeq

The hand-written C is taken from the folder that OHMLEARN_YARDSTICKS names. It cuts conductances off at the floor after
each step, which is another law than that of the others where they come to it: it takes as many steps as RK4 needs in
plain Numba, and no error is told. --record writes the table into a file.
"""
from __future__ import annotations

import argparse
import ctypes
import importlib.metadata
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ["OPENBLAS_NUM_THREADS"] = "1"       # processor time counts what waits

import numba
import numpy as np
import ohmlearn as ol
from member_step import LANES, compiled_c
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.drivers.training.lane_arrays import Prepared
from ohmlearn.drivers.training.lane_block import LaneBlock
from ohmlearn.kernels.simd.vectors import aligned
from scipy.integrate import solve_ivp

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_ext"))
from measured import processor

MEMBERS, FEW, REPEATS = 64, 8, 3
RATE, END, ETA, FLOOR = 1.0, 100.0, 1e-3, 1e-6
ERROR = 1e-3
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
STEPS = tuple(int(END / dt) for dt in (0.5, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05))
IN_C, IN_NUMBA = "hand-written C, RK4 of 8 lanes", "plain Numba, RK4"
Solve = Callable[[float], np.ndarray]       # a tolerance or a number of steps -> conductances (members, edges)


class Problem(NamedTuple):
    """y (members, 2 n_nodes + n_edges) at the start: v, w and G. masks (members, 3, n_nodes): 1 where v moves, where w
    moves by physics, at targets."""

    net: ol.Network
    tasks: list[ol.Task]
    y: np.ndarray
    masks: np.ndarray


def problem(net: ol.Network) -> Problem:
    n, tasks = net.n_nodes, [ol.Task.allosteric(net, 10, 3, seed=seed) for seed in range(MEMBERS)]
    y, masks = np.ones((MEMBERS, 2 * n + net.n_edges)), np.ones((MEMBERS, 3, n))
    for k, task in enumerate(tasks):
        masks[k, :2, task.sources] = masks[k, 2] = masks[k, 1, task.targets] = 0
        masks[k, 2, task.targets] = 1
        y[k, :n] = ol.Equilibrium(net, task.sources).solve(1.0, task.source_voltages)
        held = [*task.sources, *task.targets]
        w = [*np.zeros(task.sources.size), *(task.target_voltages - y[k, task.targets])]
        y[k, n:2 * n] = ol.Equilibrium(net, held).solve(1.0, w)
    return Problem(net, tasks, y, masks)


def plain(given: Problem, k: int) -> Callable[[float, np.ndarray], np.ndarray]:
    """dy/dt of a member in NumPy and SciPy."""
    n, D, (free, inner, target) = given.net.n_nodes, given.net.incidence.tocsr(), given.masks[k]

    def slopes(_t: float, y: np.ndarray) -> np.ndarray:
        dv, dw, G = D @ y[:n], D @ y[n:2 * n], y[2 * n:]
        v = -free * (D.T @ (G * dv))
        return np.concatenate([v, -inner * (D.T @ (G * dw)) - target * v,
                               np.maximum(-RATE * dw * (2 * dv + ETA * dw), FLOOR - G)])
    return slopes


def by_numba(net: ol.Network) -> Callable[..., None]:
    """dy/dt of a member, compiled: slopes(y, dy, masks) with masks in one row."""
    n, a, b = net.n_nodes, net.edges[:, 0].copy(), net.edges[:, 1].copy()

    @numba.njit(fastmath=True)
    def slopes(y, dy, masks):
        dy[:2 * n] = 0.0
        for j in range(a.size):
            dv, dw, G = y[a[j]] - y[b[j]], y[n + a[j]] - y[n + b[j]], y[2 * n + j]
            dy[a[j]] -= G * dv
            dy[b[j]] += G * dv
            dy[n + a[j]] -= G * dw
            dy[n + b[j]] += G * dw
            dy[2 * n + j] = max(-RATE * dw * (2 * dv + ETA * dw), FLOOR - G)
        for i in range(n):
            dy[i] *= masks[i]
            dy[n + i] = masks[n + i] * dy[n + i] - masks[2 * n + i] * dy[i]
    return slopes


def ours(given: Problem) -> Solve:
    def solve(tolerance: float) -> np.ndarray:
        return ol.train(given.net, given.tasks, RATE, until=None, t_max=END, tolerance=tolerance,
                        threads=1).conductances
    return solve


def numba_peer(given: Problem) -> Solve:
    slopes, n = by_numba(given.net), given.net.n_nodes

    @numba.njit(fastmath=True)
    def rk4(y, masks, steps):
        dt, k, along, total = END / steps, np.empty_like(y), y.copy(), np.empty_like(y)
        for _ in range(steps):
            slopes(y, k, masks)
            total[:], along[:] = k, y + dt / 2 * k
            slopes(along, k, masks)
            total += 2 * k
            along[:] = y + dt / 2 * k
            slopes(along, k, masks)
            total += 2 * k
            along[:] = y + dt * k
            slopes(along, k, masks)
            y += dt / 6 * (total + k)
        return y

    return lambda steps: np.array([rk4(given.y[k].copy(), given.masks[k].ravel(), int(steps))[2 * n:]
                                   for k in range(FEW)])


def in_c(given: Problem) -> Solve | None:
    step = compiled_c()
    if step is None:
        return None
    n, m, blocks = given.net.n_nodes, given.net.n_edges, MEMBERS // LANES
    ensemble = Ensemble(given.net, given.tasks, np.arange(MEMBERS), np.full(MEMBERS, RATE), ol.Rule())
    prepared = Prepared(ensemble)
    v, w, G, par = (aligned(blocks, rows, LANES) for rows in (n, n, m, 4))
    masks = np.zeros((3, blocks, n), dtype=np.uint16)
    for k in range(MEMBERS):
        masks[:, k // LANES] |= (given.masks[k][:, prepared.order] > 0).astype(np.uint16) << k % LANES
    graph = LaneBlock(ensemble, prepared).block.graph
    arrays = [graph.lower, graph.upper, *(np.ascontiguousarray(graph.neighbours[side::2]) for side in (0, 1)),
              v, w, G, *masks, par]
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
    start = given.y.reshape(blocks, LANES, -1).transpose(0, 2, 1)

    def solve(steps: float) -> np.ndarray:
        v[:], w[:], G[:] = start[:, prepared.order], start[:, n + prepared.order], start[:, 2 * n:]
        par[:] = np.array([END / steps, RATE * END / steps, ETA, FLOOR])[:, None]
        step(n, m, blocks, ctypes.c_long(int(steps)), *pointers)
        return G.transpose(0, 2, 1).reshape(MEMBERS, m)
    return solve


def jax_peers(given: Problem) -> dict[str, Solve]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    a, b = (jnp.asarray(given.net.edges[:, k]) for k in (0, 1))
    n, y, masks = given.net.n_nodes, jnp.asarray(given.y), jnp.asarray(given.masks)

    def slopes(y, masks):  # type: ignore[no-untyped-def]
        v, w, G = y[:n], y[n:2 * n], y[2 * n:]
        dv, dw = v[a] - v[b], w[a] - w[b]
        v_dot = masks[0] * jnp.zeros(n).at[a].add(-G * dv).at[b].add(G * dv)
        w_dot = masks[1] * jnp.zeros(n).at[a].add(-G * dw).at[b].add(G * dw) - masks[2] * v_dot
        return jnp.concatenate([v_dot, w_dot, jnp.maximum(-RATE * dw * (2 * dv + ETA * dw), FLOOR - G)])

    def rk4(y, masks, steps):  # type: ignore[no-untyped-def]
        dt = END / steps

        def step(_, y):  # type: ignore[no-untyped-def]
            k1 = slopes(y, masks)
            k2 = slopes(y + dt / 2 * k1, masks)
            k3 = slopes(y + dt / 2 * k2, masks)
            return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + slopes(y + dt * k3, masks))
        return jax.lax.fori_loop(0, steps, step, y)

    many = jax.jit(jax.vmap(rk4, in_axes=(0, 0, None)))
    found: dict[str, Solve] = {
        "JAX, jit and vmap of RK4": lambda steps: np.asarray(many(y, masks, int(steps))[:, 2 * n:])}
    if importlib.util.find_spec("diffrax") is not None:
        import diffrax

        def adaptive(y, masks, tolerance):  # type: ignore[no-untyped-def]
            return diffrax.diffeqsolve(
                diffrax.ODETerm(lambda t, y, masks: slopes(y, masks)), diffrax.Tsit5(), 0.0, END, 0.1, y, masks,
                stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=1e-3 * tolerance), max_steps=4096).ys[-1]
        solver = jax.jit(jax.vmap(adaptive, in_axes=(0, 0, None)))
        found["diffrax, jit and vmap of Tsit5"] = lambda tol: np.asarray(solver(y, masks, tol)[:, 2 * n:])
    return found


def torch_peer(given: Problem) -> Solve:
    import torch
    from torchdiffeq import odeint

    torch.set_num_threads(1)
    a, b = (torch.as_tensor(given.net.edges[:, k].copy()) for k in (0, 1))
    n, y = given.net.n_nodes, torch.as_tensor(given.y.T.copy())
    masks = torch.as_tensor(given.masks.transpose(1, 2, 0).copy())

    def slopes(_t, y):  # type: ignore[no-untyped-def]
        v, w, G = y[:n], y[n:2 * n], y[2 * n:]
        dv, dw = v[a] - v[b], w[a] - w[b]
        v_dot = masks[0] * torch.zeros_like(v).index_add_(0, a, -G * dv).index_add_(0, b, G * dv)
        w_dot = masks[1] * torch.zeros_like(v).index_add_(0, a, -G * dw).index_add_(0, b, G * dw) - masks[2] * v_dot
        return torch.cat([v_dot, w_dot, torch.maximum(-RATE * dw * (2 * dv + ETA * dw), FLOOR - G)])

    def solve(tolerance: float) -> np.ndarray:
        with torch.no_grad():
            found = odeint(slopes, y, torch.tensor([0.0, END], dtype=torch.float64), rtol=tolerance,
                           atol=1e-3 * tolerance, method="dopri5")
        return found[-1, 2 * n:].T.numpy()
    return solve


def numbalsoda_peers(given: Problem) -> dict[str, Solve]:
    from numbalsoda import dop853, lsoda, lsoda_sig

    slopes, size, n = by_numba(given.net), given.y.shape[1], given.net.n_nodes

    @numba.cfunc(lsoda_sig)
    def rhs(t, y, dy, p):
        slopes(numba.carray(y, size), numba.carray(dy, size), numba.carray(p, 3 * n))

    def each(solver: Callable[..., tuple[np.ndarray, bool]]) -> Solve:
        return lambda tol: np.array([solver(rhs.address, given.y[k], np.array([0.0, END]), given.masks[k].ravel(),
                                            rtol=tol, atol=1e-3 * tol)[0][-1, 2 * n:] for k in range(FEW)])
    return {"numbalsoda, LSODA": each(lsoda), "numbalsoda, DOP853": each(dop853)}


def sundials_peer(given: Problem) -> Solve:
    from sksundae.cvode import CVODE

    slopes, n = by_numba(given.net), given.net.n_nodes

    def solve(tolerance: float) -> np.ndarray:
        found = []
        for k in range(FEW):
            solver = CVODE(lambda _t, y, dy, given: slopes(y, dy, given[0]), userdata=(given.masks[k].ravel(),),
                           method="Adams", linsolver="gmres", rtol=tolerance, atol=1e-3 * tolerance)
            found.append(solver.solve(np.array([0.0, END]), given.y[k]).y[-1, 2 * n:])
        return np.array(found)
    return solve


def scipy_peer(given: Problem) -> Solve:
    n = given.net.n_nodes
    return lambda tol: np.array([solve_ivp(plain(given, k), (0, END), given.y[k], method="LSODA", rtol=tol,
                                           atol=1e-3 * tol).y[2 * n:, -1] for k in range(FEW)])


def peers(given: Problem) -> dict[str, tuple[Solve, tuple[float, ...]]]:
    """Name -> how it solves, and its tolerances or numbers of steps, loosest first."""
    found: dict[str, tuple[Solve, tuple[float, ...]]] = {"ohmlearn": (ours(given), (1e-3, 1e-4, 1e-5))}
    if (c := in_c(given)) is not None:
        found[IN_C] = c, ()
    found[IN_NUMBA] = numba_peer(given), STEPS
    if importlib.util.find_spec("jax"):
        for name, solve in jax_peers(given).items():
            found[name] = solve, STEPS if "RK4" in name else TOLERANCES
    if importlib.util.find_spec("torchdiffeq"):
        found["torchdiffeq, batched dopri5"] = torch_peer(given), TOLERANCES
    if importlib.util.find_spec("numbalsoda"):
        found |= {name: (solve, TOLERANCES) for name, solve in numbalsoda_peers(given).items()}
    if importlib.util.find_spec("sksundae"):
        found["SUNDIALS (scikit-sundae), CVODE, Adams"] = sundials_peer(given), TOLERANCES[1:]
    found["SciPy, solve_ivp with LSODA"] = scipy_peer(given), TOLERANCES
    return found


def seconds(solve: Solve, setting: float) -> float:
    """Processor time a member."""
    begin = time.process_time()
    members = len(solve(setting))
    return (time.process_time() - begin) / members


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("network", type=Path)
    words.add_argument("--record", type=Path)
    asked = words.parse_args()
    given = problem(ol.Network.read(asked.network))
    n = given.net.n_nodes
    exact = np.array([solve_ivp(plain(given, k), (0, END), given.y[k], "DOP853", rtol=1e-11, atol=1e-13).y[2 * n:, -1]
                      for k in range(FEW)])
    known, chosen = peers(given), {}
    for name, (solve, settings) in known.items():
        for setting in settings:
            error = float(np.abs(solve(setting)[:FEW] - exact).max())
            if error <= ERROR:
                chosen[name] = setting, error
                break
    if IN_C in known:
        chosen[IN_C] = chosen[IN_NUMBA][0], np.nan
    rows = []
    for name in known:
        if name not in chosen:
            continue
        setting, error = chosen[name]
        pairs = [(seconds(known[name][0], setting), seconds(known["ohmlearn"][0], chosen["ohmlearn"][0]))
                 for _ in range(REPEATS)]
        times, ratios = np.array(pairs)[:, 0], np.divide(*np.array(pairs).T)
        said = f"{setting:g} steps" if setting > 1 else f"tolerance {setting:g}"
        off = "–" if np.isnan(error) else f"{error:.1e}"
        rows.append(f"| {name} | {said} | {off} | {1e3 * np.median(times):.3g} ms | "
                    f"{np.median(ratios):.2g} ({ratios.min():.2g} to {ratios.max():.2g}) |")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
        "numpy", "scipy", "numba", "jax", "diffrax", "torch", "torchdiffeq", "numbalsoda", "scikit-sundae")
        if importlib.util.find_spec({"scikit-sundae": "sksundae"}.get(name, name)))
    table = "\n".join(["| code | step or tolerance | largest error of G | processor time a member | over ohmlearn |",
                       "| --- | --- | --- | --- | --- |", *rows, "", f"{processor()}; {versions}."])
    print(table)
    if asked.record:
        asked.record.write_text(table + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
