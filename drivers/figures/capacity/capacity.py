"""Capacity: how many targets a network can be given, and how many it learns, against its size.

One node is held at 1 V and one at 0 V. N_T other nodes shall have voltages evenly between, in random order: of desired
voltages nothing but their order decides whether conductances exist (see `satisfiable`), so this is every task without
close pairs, which training could pass within its tolerance. Which tasks can be met is decided exactly, by a
mixed-integer linear program; which are learned, by coupled learning. Both fall from 1 to 0 as N_T grows, the more
sharply the larger the network, as Rocks et al. (PNAS 116, 2506, 2019) found for networks tuned link by link.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ohmlearn.drivers.figures.capacity.capacity_data import Halves, Tried, halves
from ohmlearn.drivers.figures.capacity.capacity_panels import draw
from ohmlearn.drivers.figures.catalogue import BEYOND, Entry, Settings
from ohmlearn.drivers.figures.paper2.landscape import Array
from ohmlearn.drivers.figures.verdicts import verdict
from ohmlearn.drivers.training.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_text
from ohmlearn.network import Network
from ohmlearn.parallel.threads import available_threads, in_threads
from ohmlearn.run import Run
from ohmlearn.solvers.theory.satisfiable import satisfiable
from ohmlearn.task import Task

SLOW, FAST = 1.0, 100.0                     # R
STEPS, MANY = 3000.0, 30_000.0              # time limits at R = 1, in training steps
WAYS = f"R = 1, {STEPS:g} steps", f"R = 1, {MANY:g} steps", f"R = {FAST:g}"
UNTIL = 1e-6
CERTAIN = "can be met"
FRACTIONS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
FEW = 0.35                                  # largest fraction of networks that are trained only


@dataclass(frozen=True)
class Size:
    """disks : N of the networks of which it is decided what can be met. larger : N of those that are trained only.
    tasks : networks of every size, with one task for each number of targets. branches : of the program, at most."""

    disks: tuple[int, ...]
    larger: tuple[int, ...]
    tasks: int
    branches: int = 2000


QUICK, USUAL, FULL = Size((12, 24), (32,), 6), Size((12, 16, 24, 32, 48), (64,), 24), Size(
    (12, 16, 24, 32, 48, 64), (96, 128, 192), 48)


def ordered_task(network: Network, targets: int, seed: int) -> Task:
    """Two random sources at 1 and 0 V, and targets evenly between them in random order."""
    rng = np.random.default_rng([seed, targets])
    nodes = rng.permutation(network.n_nodes)
    return Task(nodes[:2], [1.0, 0.0], nodes[2:2 + targets], (rng.permutation(targets) + 1.0) / (targets + 1))


def trained(network: Network, tasks: list[Task]) -> list[list[Run]]:
    """The runs of every way, in the order of WAYS."""
    short = list(train(network, tasks, SLOW, until=UNTIL, t_max=STEPS / SLOW, threads=1))
    late = [k for k, run in enumerate(short) if run.status == "out of time"]
    long = list(short)
    if late:
        more = train(network, [tasks[k] for k in late], SLOW, until=UNTIL, t_max=(MANY - STEPS) / SLOW,
                     conductances=[short[k] for k in late], threads=1)
        for k, run in zip(late, more, strict=True):
            long[k] = run
    return [short, long, list(train(network, tasks, FAST, until=UNTIL, threads=1))]


def attempt(disks: int, tasks: int, branches: int | None, threads: int | None) -> Tried:
    """Train tasks with ever more targets on packings of this size, and decide which can be met, unless branches is
    None."""
    def one(seed: int) -> tuple[Array, Array, Array]:
        network = Network.packing(disks, seed=seed)
        most = FEW * disks if branches is None else network.n_nodes - 2
        counts = [count for count in sorted({max(1, round(fraction * disks)) for fraction in FRACTIONS})
                  if count <= most]
        given = [ordered_task(network, count, seed) for count in counts]
        runs = trained(network, given)
        learned = np.array([[run.status == "reached" for run in some] for some in runs])
        possible = np.full(len(given), np.nan)
        for k, task in enumerate(given if branches is not None else ()):
            best = runs[int(np.argmin([some[k].final_cost for some in runs]))][k]
            answer = satisfiable(network, task, best.conductances, max_branches=branches or 1).answer
            possible[k] = {"yes": 1.0, "no": 0.0, "undecided": np.nan}[answer]
        return np.array(counts, dtype=np.float64), possible, learned

    rows = in_threads(one, range(tasks), min(available_threads(threads), tasks))
    return Tried(disks, np.concatenate([row[0] for row in rows]),
                 np.repeat(np.arange(tasks), [row[0].size for row in rows]),
                 np.concatenate([row[1] for row in rows]), np.concatenate([row[2] for row in rows], axis=1))


def certainly(tried: Tried) -> Array:
    """Tasks that can be met for certain; all NaN where that was not asked."""
    return tried.possible if np.isnan(tried.possible).all() else np.nan_to_num(tried.possible, nan=0.0)


def perhaps(tried: Tried) -> Array:
    """Tasks that can be met for all that is known."""
    return tried.possible if np.isnan(tried.possible).all() else np.nan_to_num(tried.possible, nan=1.0)


def lines(every: list[Tried], found: dict[str, Halves], title: str) -> list[str]:
    """What was measured."""
    told = [title, f"Learned is C* < {UNTIL:g} C*(0) from conductances of 1, at R = {FAST:g} within the limit of "
            "`train`; N½ is where a logistic curve in N_T falls to one half.", ""]
    decided = [tried for tried in every if np.isfinite(tried.possible).any()]
    wrong = sum(int((tried.learned.any(axis=0) & (tried.possible == 0)).sum()) for tried in decided)
    told.append(verdict(wrong, 0, 0, "tasks learned that no conductances give"))
    for name, half in found.items():
        values = ", ".join(f"N = {n:g}: {x:.1f} ± {e:.1f}" for n, x, e in
                           zip(half.disks, half.targets, half.errors, strict=True))
        slope, error = half.exponent()
        told.append(f"      N½, {name}: {values}; ∝ N^({slope:.2f} ± {error:.2f})")
    for tried in decided:
        open_ = int(np.isnan(tried.possible).sum())
        told.append(f"      N = {tried.disks}: {tried.possible.size} tasks, {int((tried.possible == 1).sum())} can be "
                    f"met, {int((tried.possible == 0).sum())} cannot, {open_} undecided; learned " + ", ".join(
                        f"{int(row.sum())} ({way})" for way, row in zip(WAYS, tried.learned, strict=True)))
    return told


def make(size: Size, folder: Path, settings: Settings) -> list[Path]:
    """Compute and write picture, verdicts and data into a folder; returns what was written."""
    every = [attempt(disks, size.tasks, size.branches if disks in size.disks else None, settings.threads)
             for disks in sorted({*size.disks, *size.larger})]
    found = {CERTAIN: halves(every, [certainly(tried) for tried in every]),
             "can be met or undecided": halves(every, [perhaps(tried) for tried in every])}
    for k, way in enumerate(WAYS):
        found[f"learned, {way}"] = halves(every, [tried.learned[k].astype(np.float64) for tried in every])
    title = (f"Capacity: packings of {', '.join(str(tried.disks) for tried in every)} disks, {size.tasks} of each, two "
             "sources, targets in random order.")
    folder.mkdir(parents=True, exist_ok=True)
    picture, text, table = (folder / f"capacity.{ending}" for ending in ("png", "txt", "csv"))
    save_figure(draw(every, found, WAYS), picture, dpi=250)
    write_text(text, "\n".join(lines(every, found, title)) + "\n")
    with replacing(table) as out:
        print("disks,targets,tasks,can_be_met,cannot,undecided,learned_R1,learned_R1_longer,learned_R100", file=out)
        for tried in every:
            for count in np.unique(tried.targets):
                rows = tried.targets == count
                some = tried.possible[rows]
                numbers = (some == 1).sum(), (some == 0).sum(), np.isnan(some).sum()
                print(tried.disks, int(count), rows.sum(), *numbers, *tried.learned[:, rows].sum(axis=1), sep=",",
                      file=out)
    return [picture, text, table]


FIGURE = Entry(
    "capacity", "Capacity: how many targets can be met, and how many are learned, against N", BEYOND,
    {"a": "fraction of tasks that some conductances meet, against targets a node", "b": "fraction that is learned",
     "c": "number of targets at which one half is left, against N", "d": "both fractions against N_T/N½(N)"},
    {"quick": QUICK, "usual": USUAL, "full": FULL}, make, adjust={"tasks": int})
