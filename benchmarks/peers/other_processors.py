"""The RK4 step on other processors than the one at hand, against C compiled for the same: AVX2, and plain x86-64.

    python benchmarks/peers/other_processors.py [--cpu x86-64-v3 --cpu native]

For each processor that the one at hand can stand for, in a process of its own whose Numba compiles for it: a block of
8 members at N = 64, and the same in C (step.c, by ziglang, clang or gcc), interleaved. Ratios are ours over C, medians
with the 10th and 90th percentile, in processor time; results of both are compared first. On one core: taskset -c 0.
"""
from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
STEPS, REPEATS = 20_000, 15


def library(cpu: str, folder: str) -> ctypes.CDLL:
    """step.c as compiled for a processor."""
    zig = [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else None
    compiler = zig or next(([name] for name in ("clang", "gcc") if shutil.which(name)), None)
    if compiler is None:
        raise SystemExit("needs ziglang, clang or gcc")
    out = Path(folder) / "step.so"
    march = cpu.replace("-", "_") if zig else cpu
    subprocess.run([*compiler, "-O3", f"-march={march}", "-ffast-math", "-shared", "-fPIC", str(HERE / "step.c"), "-o",
                    str(out)], check=True)
    return ctypes.CDLL(str(out))


def compare(cpu: str) -> None:
    """Time ours and C in this process, whose Numba compiles for this processor already."""
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    import member_step
    import ohmlearn as ol
    from ohmlearn.kernels.ensemble.rk4 import FALL
    from ohmlearn.kernels.law.bounds import AT_ONCE
    from ohmlearn.kernels.simd.vectors import aligned

    net = ol.Network.packing(64, seed=1)
    tasks = [ol.Task.allosteric(net, 10, 3, seed=seed) for seed in range(8)]
    _, first = member_step.ours(net, tasks)
    b = first.block
    n = b.graph.lower.size
    b.law.rows[FALL] = AT_ONCE          # C knows no slower fall
    rows, masks = aligned(4, 8), aligned(3 * n, 8, dtype=np.int64)
    rows[:] = b.law.rows[:4]
    for k, mask in enumerate((b.law.free_v, b.law.free_w, b.law.target)):
        masks[k::3] = -((mask[:, None] >> np.arange(8)) & 1).astype(np.int64)
    arrays = [aligned(*a.shape) for a in (b.x, b.y, b.q, b.G, b.Gq)]
    for mine, theirs in zip(arrays, (b.x, b.y, b.q, b.G, b.Gq), strict=True):
        mine[:] = theirs
    with tempfile.TemporaryDirectory() as folder:
        run = library(cpu, folder).march
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (b.graph.lower, b.graph.upper, b.graph.neighbours,
                                                                *arrays, masks, rows)]

        def c(steps: int) -> float:
            begin = time.thread_time()
            run(n, ctypes.c_long(steps), *pointers)
            return time.thread_time() - begin

        def ours(steps: int) -> float:
            begin = time.thread_time()
            member_step.march(b, steps)
            return time.thread_time() - begin

        c(5)                # later some G would be held at the floor within a step, which C does at its end only
        ours(5)
        np.testing.assert_allclose(arrays[0], b.x, rtol=0, atol=1e-9)
        np.testing.assert_allclose(arrays[3], b.G, rtol=0, atol=1e-9)
        steps = STEPS if ours(200) < 2e-3 else STEPS // 20
        pairs = np.array([(ours(steps), c(steps)) for _ in range(REPEATS)])
    low, middle, high = np.quantile(pairs[:, 0] / pairs[:, 1], [0.1, 0.5, 0.9])
    mine, theirs = np.median(pairs, axis=0) / steps / 8 * 1e9
    print(f"{cpu:<12} ours {mine:7.1f} ns a member-step, C {theirs:7.1f}; ours over C {middle:.3f} ({low:.3f} to "
          f"{high:.3f})", flush=True)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--cpu", action="append")
    words.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.in_this_process:
        compare(given.cpu[0])
        return
    for cpu in given.cpu or ["native", "x86-64-v3", "x86-64-v2"]:
        names = {} if cpu == "native" else {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""}
        subprocess.run([sys.executable, __file__, "--cpu", cpu, "--in-this-process"], check=True,
                       env=dict(os.environ, **names))


if __name__ == "__main__":
    main()
