"""The lab circuit against a plain NumPy and SciPy version of it (`tests/lab_twin.py`), in one run on one thread.

    python benchmarks/peers/lab_circuit.py

prints, per R, microseconds per circuit and training step of both and their ratio: medians of interleaved repeats, with
the smallest and largest ratio. CPU time, so that a busy machine spoils less.
"""
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from ohmlearn.drivers.lab.train import train
from ohmlearn.lab.circuit import LabCircuit, lab_network, lab_task

RATES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
CIRCUITS, STEPS, PLAIN_STEPS, REPEATS = 64, 3000, 1000, 7


def plain_version() -> Callable[..., object]:
    """The function `lab` of the twin, which lives with the tests."""
    path = Path(__file__).parents[2] / "tests" / "lab_twin.py"
    spec = importlib.util.spec_from_file_location("lab_twin", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    twin: Callable[..., object] = module.lab
    return twin


def seconds(function: Callable[[], object]) -> float:
    """CPU time of a call."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def main() -> None:
    board, circuit, rng, plain = lab_network(), LabCircuit(), np.random.default_rng(0), plain_version()
    tasks = [lab_task(board, seed) for seed in range(CIRCUITS)]

    def noise(_step: int) -> np.ndarray:
        return circuit.noise * rng.normal(size=(2, board.n_edges))

    train(board, tasks[0], 1.0, steps=2)
    print(f"{CIRCUITS} circuits of {STEPS} steps, one thread; plain: one circuit of {PLAIN_STEPS} steps\n"
          f"{'R':>8} {'ours µs':>9} {'plain µs':>9} {'ratio':>7}  smallest to largest")
    for rate in RATES:
        ours = partial(train, board, tasks, rate, steps=STEPS, seed=np.arange(CIRCUITS), traces=False, threads=1)
        times = np.array([(seconds(ours) / CIRCUITS / STEPS,
                           seconds(partial(plain, board, tasks[repeat], rate, circuit, PLAIN_STEPS, noise))
                           / PLAIN_STEPS) for repeat in range(REPEATS)]).T * 1e6
        ratios = times[1] / times[0]
        print(f"{rate:>8g} {np.median(times[0]):>9.3f} {np.median(times[1]):>9.1f} {np.median(ratios):>7.0f}"
              f"  {ratios.min():.0f} to {ratios.max():.0f}", flush=True)


ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

if __name__ == "__main__":
    if not ONE_THREAD.items() <= os.environ.items():    # BLAS reads them when it is loaded
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    main()
