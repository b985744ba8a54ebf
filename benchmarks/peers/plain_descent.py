"""Networks of Fig. S1 of paper 2, trained and analysed: this project against plain NumPy, in one run.

    python benchmarks/peers/plain_descent.py [networks of the ensemble] [of them by NumPy] [--pinv]

The NumPy version is what one would write at a desk: the incidence matrix as a dense array, one bordered solve a step,
the same capped and bounded step, a dense eigensolver at the end. With --pinv it takes the pseudo-inverse of the
physical Hessian, as the paper's formulas are written, in place of the bordered solve. Both train from the same start
to the same cost. This project runs on all cores; the ratio of processor times is per core.
"""
from __future__ import annotations

import os
import sys
from time import perf_counter, process_time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")      # matrices of 100 x 100: more threads do not make NumPy faster
os.environ.setdefault("OHMLEARN_THREADS", str(len(os.sched_getaffinity(0))))

import numpy as np  # noqa: E402
from ohmlearn.drivers.figures.paper2 import fig_s1, landscape  # noqa: E402
from ohmlearn.drivers.figures.paper2.landscape import Problem  # noqa: E402
from ohmlearn.rule import GradientFlow  # noqa: E402


def respond(incidence, conductances, currents, outputs):
    """Voltages and responses of the outputs, from the Laplacian with one gauge row."""
    n = incidence.shape[1]
    gauge = np.full((n, 1), n**-0.5)
    bordered = np.block([[(incidence.T * conductances) @ incidence, gauge], [gauge.T, np.zeros((1, 1))]])
    return np.linalg.solve(bordered, np.append(np.column_stack([currents, outputs]), np.zeros((1, 2)), axis=0))[:n].T


def respond_by_pseudo_inverse(incidence, conductances, currents, outputs):
    """The same as H⁺ I and H⁺ o."""
    inverse = np.linalg.pinv((incidence.T * conductances) @ incidence, rcond=1e-10)
    return (inverse @ np.column_stack([currents, outputs])).T


RESPOND = respond_by_pseudo_inverse if "--pinv" in sys.argv else respond


def plain_descent(problem: Problem, rule: GradientFlow, until: float = 1e-12):
    """Conductances and steps of a capped, bounded gradient flow on one output, by NumPy."""
    n, g = problem.network.n_nodes, problem.conductances.copy()
    incidence = problem.network.incidence.toarray()
    currents, outputs = problem.task.injected(n), problem.task.output_matrix(n).toarray()[0]
    first, steps = None, 0
    while True:
        voltages, responses = RESPOND(incidence, g, currents, outputs)
        error = outputs @ voltages - problem.target
        first = first or error**2
        if error**2 <= until * first:
            return g, steps
        slope = -(incidence @ responses) * (incidence @ voltages)
        push = -error * slope
        slope[((g <= rule.floor) & (push < 0)) | ((g >= rule.ceiling) & (push > 0))] = 0.0
        change = -rule.share * error * slope / (slope @ slope)
        change *= min(1.0, rule.cap / np.max(np.abs(change) / g))
        g = np.clip(g + change, rule.floor, rule.ceiling)
        steps += 1


def plain_analysis(problem: Problem, g):
    """λ₁, λ₂, the stiff eigenvalue and its overlap with (Δv₁)², by NumPy."""
    n, incidence = problem.network.n_nodes, problem.network.incidence.toarray()
    values, modes = np.linalg.eigh((incidence.T * g) @ incidence)
    voltages, responses = respond(incidence, g, problem.task.injected(n),
                                  problem.task.output_matrix(n).toarray()[0])
    slope, pattern = -(incidence @ responses) * (incidence @ voltages), (incidence @ modes[:, 1])**2
    return values[1], values[2], slope @ slope, abs(slope @ pattern) / np.linalg.norm(slope) / np.linalg.norm(pattern)


def main(count: int = 1000, plain: int = 20, parts: int = 5) -> None:
    """Time both, NumPy in parts between those of the ensemble, and print the ratios and their spread."""
    problems = [landscape.problem(k, fig_s1.N_NODES, "current", fig_s1.TARGETS, log=True)
                for k in range(count)]
    fig_s1.measure(problems[:4], fig_s1.RULE)                 # compiled or read from the cache
    spent, worst = [], 0.0                                                # (ours, theirs) x (wall, processor) a network
    shares = zip(np.array_split(np.arange(count), parts), np.array_split(np.arange(plain), parts), strict=True)
    for share, few in shares:
        clocks = [(perf_counter(), process_time())]
        found = fig_s1.measure([problems[k] for k in share], fig_s1.RULE)
        clocks.append((perf_counter(), process_time()))
        rows = [plain_analysis(problems[k], plain_descent(problems[k], fig_s1.RULE)[0])
                for k in share[:len(few)]]
        clocks.append((perf_counter(), process_time()))
        spent.append(np.diff(clocks, axis=0) / [[len(share)], [len(few)]])
        worst = max(worst, *(abs(row[3] - found.overlap[k]) for k, row in enumerate(rows)))
    (wall, cpu), (plain_wall, plain_cpu) = np.mean(spent, axis=0)
    print(f"{count} networks trained and analysed in {wall * count:.1f} s; overlaps agree within {worst:.1e}")
    for name, k, ours, theirs in (("wall clock", 0, wall, plain_wall), ("processor", 1, cpu, plain_cpu)):
        ratios = np.array([x[1, k] / x[0, k] for x in spent])
        print(f"{name}: {ours * 1e3:.2f} ms a network, plain NumPy {theirs * 1e3:.0f} ms; "
              f"ratio {np.median(ratios):.0f} ({ratios.min():.0f} to {ratios.max():.0f})")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] if word != "--pinv"))
