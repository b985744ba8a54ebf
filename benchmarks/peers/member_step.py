"""One RK4 step of a member of an ensemble against its peers: 1024 members of one packing of 64 nodes.

    python benchmarks/peers/member_step.py [--record]

prints the processor time of a member-step, and the ratio to ours: medians of interleaved repeats with the 10th and 90th
percentile. The hand-written C is taken from the folder that OHMLEARN_YARDSTICKS names and compiled where ziglang, clang
or gcc is there; JAX and diffrax are compared where they are installed. scipy's solve_ivp is timed per right-hand side,
four of which make a step. On one core: taskset -c 0.
"""
import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import ohmlearn as ol
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.drivers.training.lane_arrays import Prepared
from ohmlearn.drivers.training.lane_block import LaneBlock
from ohmlearn.kernels.ensemble.rk4 import DT, FALL, LEARN, rk4_step
from ohmlearn.kernels.simd.jit import borrowed, kernel
from ohmlearn.kernels.simd.vectors import aligned
from scipy.integrate import solve_ivp

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_ext"))
from measured import record

# peer -> its row in docs/measured.toml; C is given as our time over its own
ROWS = {"JAX vmap": "step_jax", "diffrax (Bosh3, 3 of our 4 slopes)": "step_diffrax",
        "scipy solve_ivp, 4 right-hand sides": "step_scipy"}
MEMBERS, LANES, STEPS, REPEATS = 1024, 8, 2000, 9
DT_, RATE, ETA, FLOOR = 0.1, 1.0, 1e-3, 1e-6


@kernel
def march(block, steps):
    """RK4 steps of one block, one after the other."""
    block = borrowed(block)
    for _ in range(steps):
        rk4_step(block.graph, block.law, block.x, block.y, block.q, block.G, block.Gq)


def ours(net: ol.Network, tasks: list[ol.Task]) -> tuple[Callable[[], None], LaneBlock]:
    ensemble = Ensemble(net, tasks, np.arange(len(tasks)), np.full(len(tasks), RATE), ol.Rule())
    prepared, blocks = Prepared(ensemble), []
    for first in range(0, len(tasks), LANES):
        block = LaneBlock(ensemble, prepared)
        for number in range(first, first + LANES):
            block.insert(number)
        block.block.law.rows[[DT, LEARN, FALL]] = np.array([DT_, -RATE * DT_, DT_])[:, None]
        blocks.append(block)

    def run() -> None:
        for block in blocks:
            march(block.block, STEPS)
    return run, blocks[0]


def compiled_c() -> Callable[..., None] | None:
    """RK4 steps of blocks of 8 members in the hand-written C, compiled for this processor."""
    folder = os.environ.get("OHMLEARN_YARDSTICKS")
    zig = [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else None
    compiler = zig or next(([name] for name in ("clang", "gcc") if shutil.which(name)), None)
    if not folder or not compiler:
        print("C: no yardstick (OHMLEARN_YARDSTICKS) or no compiler (ziglang, clang, gcc); left out")
        return None
    library = Path(tempfile.mkdtemp()) / "libensemble.so"
    subprocess.run([*compiler, "-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-shared", "-fPIC",
                    str(Path(folder) / "ensemble.c"), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library)).gill_d


def yardstick(first: LaneBlock) -> Callable[[], None] | None:
    """The hand-written C on as many blocks like the first one."""
    step = compiled_c()
    if step is None:
        return None
    b, blocks = first.block, MEMBERS // LANES
    n, m = b.graph.lower.size, b.graph.ends.size // 2
    v, w, G, par = (aligned(blocks, rows, LANES) for rows in (n, n, m, 4))
    v[:], w[:], G[:] = b.x[0::2], b.x[1::2], b.G
    par[:] = np.array([DT_, RATE * DT_, ETA, FLOOR])[:, None]
    masks = [np.tile(mask, blocks) for mask in (b.law.free_v, b.law.free_w, b.law.target)]
    arrays = [b.graph.lower, b.graph.upper, *(np.ascontiguousarray(b.graph.neighbours[k::2]) for k in (0, 1)),
              v, w, G, *masks, par]
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]

    def run() -> None:
        step(n, m, blocks, ctypes.c_long(STEPS), *pointers)
    run.keep = arrays  # type: ignore[attr-defined]
    return run


def right_hand_side(net: ol.Network, task: ol.Task) -> Callable[[float, np.ndarray], np.ndarray]:
    """dv/dt, dw/dt, dG/dt of one member in plain NumPy."""
    n, D = net.n_nodes, net.incidence
    held, targets = task.sources, task.targets

    def slopes(_t: float, y: np.ndarray) -> np.ndarray:
        dv, dw, G = D @ y[:n], D @ y[n:2 * n], y[2 * n:]
        v_dot, w_dot = -(D.T @ (G * dv)), -(D.T @ (G * dw))
        v_dot[held] = w_dot[held] = 0.0
        w_dot[targets] = -v_dot[targets]
        return np.concatenate([v_dot, w_dot, np.maximum(-RATE * dw * (2 * dv + ETA * dw), FLOOR - G)])
    return slopes


def scipy_per_step(net: ol.Network, task: ol.Task) -> float:
    """Seconds of four right-hand sides in solve_ivp."""
    y = np.concatenate([np.zeros(2 * net.n_nodes), np.ones(net.n_edges)])
    y[task.sources] = task.source_voltages
    begin = time.thread_time()
    solution = solve_ivp(right_hand_side(net, task), (0, 5), y, method="RK45", rtol=1e-6, atol=1e-9)
    return 4 * (time.thread_time() - begin) / solution.nfev


def jax_peers(net: ol.Network, tasks: list[ol.Task]) -> dict[str, Callable[[], object]]:
    """RK4 of all members under vmap in JAX, and the same right-hand side in diffrax (its RK of four stages)."""
    if importlib.util.find_spec("jax") is None:
        print("JAX, diffrax: not installed; left out")
        return {}
    import jax
    import jax.numpy as jnp
    jax.config.update("jax_enable_x64", True)
    a, b = (jnp.asarray(net.edges[:, k]) for k in (0, 1))
    n, m = net.n_nodes, net.n_edges
    free, inner, target = (np.ones((len(tasks), n)), np.ones((len(tasks), n)), np.zeros((len(tasks), n)))
    v = np.zeros((len(tasks), n))
    for k, task in enumerate(tasks):
        free[k, task.sources] = inner[k, task.sources] = inner[k, task.targets] = 0
        target[k, task.targets], v[k, task.sources] = 1, task.source_voltages

    def slopes(y, masks):  # type: ignore[no-untyped-def]
        v, w, G = y
        free, inner, target = masks
        dv, dw = v[a] - v[b], w[a] - w[b]
        v_dot = free * jnp.zeros(n).at[a].add(-G * dv).at[b].add(G * dv)
        w_dot = inner * jnp.zeros(n).at[a].add(-G * dw).at[b].add(G * dw) - target * v_dot
        return v_dot, w_dot, jnp.maximum(-RATE * dw * (2 * dv + ETA * dw), FLOOR - G)

    def step(y, masks):  # type: ignore[no-untyped-def]
        move = lambda s, k: tuple(p + s * q for p, q in zip(y, k, strict=True))  # noqa: E731
        k1 = slopes(y, masks)
        k2 = slopes(move(DT_ / 2, k1), masks)
        k3 = slopes(move(DT_ / 2, k2), masks)
        k4 = slopes(move(DT_, k3), masks)
        return tuple(p + DT_ / 6 * (q1 + 2 * q2 + 2 * q3 + q4)
                     for p, q1, q2, q3, q4 in zip(y, k1, k2, k3, k4, strict=True))

    def many(y, masks):  # type: ignore[no-untyped-def]
        return jax.lax.fori_loop(0, STEPS, lambda _, z: step(z, masks), y)
    masks = tuple(jnp.asarray(mask) for mask in (free, inner, target))
    y = (jnp.asarray(v), jnp.zeros_like(v), jnp.ones((len(tasks), m)))
    compiled = jax.jit(jax.vmap(many))
    peers = {"JAX vmap": lambda: jax.block_until_ready(compiled(y, masks))}
    if importlib.util.find_spec("diffrax") is not None:
        import diffrax

        def solve(y, masks):  # type: ignore[no-untyped-def]
            term = diffrax.ODETerm(lambda t, y, masks: slopes(y, masks))
            return diffrax.diffeqsolve(term, diffrax.Bosh3(), 0.0, STEPS * DT_, DT_, y, masks, max_steps=STEPS + 1,
                                       adjoint=diffrax.DirectAdjoint(), stepsize_controller=diffrax.ConstantStepSize())
        solver = jax.jit(jax.vmap(lambda y, masks: solve(y, masks).ys))
        peers["diffrax (Bosh3, 3 of our 4 slopes)"] = lambda: jax.block_until_ready(solver(y, masks))
    return peers


def timed(function: Callable[[], object]) -> float:
    """Processor seconds of a member-step."""
    begin = time.process_time()
    function()
    return (time.process_time() - begin) / MEMBERS / STEPS


def main() -> None:
    net = ol.Network.packing(64, seed=1)
    tasks = [ol.Task.allosteric(net, 10, 3, seed=seed) for seed in range(MEMBERS)]
    mine, first = ours(net, tasks)
    peers: dict[str, Callable[[], object]] = jax_peers(net, tasks)
    if (c := yardstick(first)) is not None:
        peers["C, 8 lanes"] = c
    for function in (mine, *peers.values()):
        function()
    times = {name: np.array([(timed(function), timed(mine)) for _ in range(REPEATS if name[0] == "C" else 3)])
             for name, function in peers.items()}
    times["scipy solve_ivp, 4 right-hand sides"] = np.array([(scipy_per_step(net, tasks[k]), timed(mine))
                                                             for k in range(5)])
    print(f"{net}, {MEMBERS} members; ours {1e6 * min(t[:, 1].min() for t in times.values()):.3f} µs a member-step\n"
          f"{'peer':<40} {'µs':>9} {'peer / ours':>12}  10 % to 90 %")
    for name, pair in times.items():
        ratio = pair[:, 0] / pair[:, 1]
        low, high = np.percentile(ratio, [10, 90])
        print(f"{name:<40} {1e6 * np.median(pair[:, 0]):>9.3f} {np.median(ratio):>12.3f}  {low:.3f} to {high:.3f}")
        if "--record" in sys.argv and name in ROWS:
            record(ROWS[name], f"{np.median(ratio):.0f} times faster ({low:.0f} to {high:.0f})")
    if c is not None:
        low, middle, high = np.percentile(times["C, 8 lanes"][:, 1] / times["C, 8 lanes"][:, 0], [10, 50, 90])
        print(f"ours / C: {middle:.3f}")
        if "--record" in sys.argv:
            record("step_c", f"{middle:.2f} times its time ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
