"""Fig. 2 of paper 1, computed: traces of one task, final costs, and training times of an ensemble over R."""
from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ohmlearn.drivers.analysis.published import FINAL_COST
from ohmlearn.drivers.analysis.training_times import TrainingTimes
from ohmlearn.drivers.figures.catalogue import PAPER_1, Entry
from ohmlearn.drivers.figures.paper1.fig2_map import QuasistaticMap, quasistatic_map, tell
from ohmlearn.drivers.figures.paper1.fig2_panels import Fig2, FinalCosts, draw
from ohmlearn.drivers.figures.paper1.fig2_table import rows, table
from ohmlearn.drivers.figures.verdicts import judge
from ohmlearn.drivers.store.open_results import open_results
from ohmlearn.drivers.sweeps.sweep import Sweep
from ohmlearn.drivers.training.train import train
from ohmlearn.io.replacing import replacing, save_figure, write_table, write_text
from ohmlearn.network import Network
from ohmlearn.parallel.launch import this_rank
from ohmlearn.parallel.signals import STOPPED
from ohmlearn.run import Record, Run, Runs
from ohmlearn.task import Task

SOURCES, TARGETS = 10, 3             # panels c and d
TRACE_SOURCES, TRACE_TARGETS = 5, 3  # panels a and b
UNTIL = 1e-6
TRACE_POINTS = 300          # a decade, to draw the oscillations
TRACE_SEED = 11             # a task whose oscillations show
FINAL = 250.0               # panel c looks at C* after 250 training steps, at the time 250, and at 250/√R between
EQUAL_TIME_UP_TO = 1e4      # beyond, steps to the time 250 grow as √R, and C* is rounding long before


@dataclass(frozen=True)
class Size:
    """How much is computed. rates : of panels c and d. tasks : how many. trace_rates : of panels a and b,
    0 for the quasistatic limit."""

    rates: tuple[float, ...]
    tasks: int
    trace_rates: tuple[float, ...]

    def __post_init__(self) -> None:
        bad = [rate for rate in self.rates if not (np.isfinite(rate) and rate > 0)]
        if bad or not self.rates:
            raise ValueError(f"Fig. 2 is drawn over logarithms of R: rates must be > 0, not {bad or 'none at all'}")
        if self.tasks < 1:
            raise ValueError(f"an ensemble needs one task at least, not {self.tasks}")


def decades(low: float, high: float, per_decade: int = 1) -> tuple[float, ...]:
    """Rates from low to high, evenly in their logarithm; whole decades come out exactly."""
    if not (0 < low <= high and per_decade >= 1):
        raise ValueError(f"rates from {low:g} to {high:g}, {per_decade} per decade: must be > 0 and increase")
    count = round(np.log10(high / low) * per_decade)
    return tuple(float(f"{low * 10 ** (k / per_decade):.12g}") for k in range(count + 1))


def parse_rates(text: str) -> tuple[float, ...]:
    """Rates written as FROM:TO:PER_DECADE, or as a list with commas."""
    try:
        if ":" in text:
            low, high, per_decade = text.split(":")
            return decades(float(low), float(high), int(per_decade))
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"rates {text!r}: write FROM:TO:PER_DECADE, such as 1e-2:1e4:2, or a list such as 0.1,1,10 "
                         f"({error})") from error


TRACE_RATES = (0.0, *decades(1e-3, 1e4))
QUICK = Size(decades(1e-1, 1e3), 4, (0.0, *decades(1e-1, 1e3)))
USUAL = Size(decades(1e-2, 1e4, 2), 20, TRACE_RATES)
FULL = Size(decades(1e-3, 1e12, 2), 50, TRACE_RATES)


def final_times(rate: float) -> dict[str, float]:
    """Protocol -> time in 1/γp at which panel c reads C* of a run at this R, where the protocol applies.

    When the published runs were ended is not known. 250/√R is the law of the training times above R = 1.
    """
    times = {f"{FINAL:g} training steps": FINAL / rate}
    if rate <= EQUAL_TIME_UP_TO * 1.001:
        times[f"time {FINAL:g}"] = FINAL
    if rate >= 0.999:
        times[f"time {FINAL:g}/$\\sqrt{{R}}$"] = FINAL / np.sqrt(rate)
    return times


def final_costs(network: Network, tasks: Sequence[Task | tuple[Task, ...]], rates: Sequence[float],
                threads: int | None) -> dict[str, FinalCosts]:
    """Final costs of panel c by protocol; one run per task and rate, read at the times of all protocols."""
    found: dict[str, list[tuple[float, NDArray[np.float64]]]] = {}
    for rate in rates:
        protocols = final_times(rate)
        times = np.unique(list(protocols.values()))
        runs = train(network, tasks, rate=rate, until=None, t_max=times[-1], record=Record(times=times),
                     threads=threads)
        for protocol, time in protocols.items():
            found.setdefault(protocol, []).append((rate, np.array([cost_at(run, time) for run in runs])))
    return {protocol: FinalCosts(np.array([rate for rate, _ in columns]), np.column_stack([c for _, c in columns]))
            for protocol, columns in found.items()}


def cost_at(run: Run, time: float) -> float:
    """C*/C*(0) at a recorded time; of a run that was ended before it, as it had stalled, that at its end."""
    if run.status == "diverged":
        return np.nan
    at = np.flatnonzero(np.isclose(run.times, time, rtol=1e-9, atol=0))
    return float(run.equilibrium_cost[at[0]]) if at.size else run.final_cost


def traces(network: Network, rates: Sequence[float], threads: int | None, seed: int = TRACE_SEED) -> Runs:
    """Runs of panels a and b: one task at every rate, up to the threshold."""
    task = Task.allosteric(network, TRACE_SOURCES, TRACE_TARGETS, seed=seed, feasible=True)
    return train(network, [task] * len(rates), rate=rates, until=UNTIL, record=Record(per_decade=TRACE_POINTS),
                 threads=threads)


def unit_steps(network: Network, threads: int | None, seed: int = TRACE_SEED) -> QuasistaticMap:
    """The map of unit step of the task of panels a and b."""
    task = Task.allosteric(network, TRACE_SOURCES, TRACE_TARGETS, seed=seed, feasible=True)
    return quasistatic_map(network, task, TRACE_SOURCES, TRACE_TARGETS, UNTIL, threads)


def judge_collapse(runs: Runs) -> list[str]:
    """How far the training steps of the traces at R <= 0.1 differ: they should be the quasistatic limit (2a)."""
    slow = runs.rate <= 0.1 * 1.001
    lost = [run for run in runs if run.rate <= 0.1 * 1.001 and not np.isfinite(run.training_time)]
    if lost:
        return [judge(np.inf, 0.0, f"panel a, R = {lost[0].rate:g}: {lost[0].reason}")]
    if slow.sum() < 2:
        return []
    rates = runs.rate[slow]
    steps = runs.training_time[slow] * np.where(rates > 0, rates, 1.0)
    spread = float(steps.max() / steps.min()) - 1
    return [judge(spread - 0.01, 0.0, f"training steps to the threshold of the task of panel a, R = {rates.min():g} to "
                                      f"{rates.max():g}: equal within {spread:.2%}; expected 1%")]


def tell_final_costs(final: Mapping[str, FinalCosts]) -> list[str]:
    """Panel c in numbers, beside the published ones: not judged, as when runs were ended is not published."""
    lines = []
    for protocol, costs in final.items():
        nearest = [int(np.abs(np.log(FINAL_COST["rate"] / rate)).argmin()) for rate in costs.rate]
        apart = np.log10(costs.geometric_mean / FINAL_COST["geometric_mean"][nearest])
        told = ", ".join(f"{mean:.1g} ({10**x:.1g}) at R = {rate:g}" for rate, mean, x in
                         list(zip(costs.rate, costs.geometric_mean, apart, strict=True))[::max(1, len(apart) // 6)])
        lines.append(f"      panel c, ended at {plain(protocol)}: geometric mean (over the published one) {told}")
    return lines


def plain(words: str) -> str:
    """Words without the signs of mathematics."""
    return words.translate(dict.fromkeys(map(ord, "$\\{}")))


def save(data: Fig2, folder: Path, title: str) -> list[Path]:
    """Write picture, table, and the data of all panels into a folder; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, text, *saved = (folder / name for name in ("fig2.png", "fig2.txt", "fig2ab_traces.npz",
                                                        "fig2c_final_cost.csv", "fig2d_training_time.csv"))
    save_figure(draw(data), picture, dpi=250)
    limit = next((run for run in data.traces if run.rate == 0), None)
    steps = [] if data.map is None or limit is None else tell(data.map, limit)
    write_text(text, table(data.times, title, [*judge_collapse(data.traces), *steps, *tell_final_costs(data.final)]))
    arrays: dict[str, Any] = {"R": data.traces.rate, "training_time": data.traces.training_time}
    if data.map is not None:
        arrays["map"] = data.map.run.equilibrium_cost
    for k, run in enumerate(data.traces):
        arrays |= {f"times_{k}": run.times, f"equilibrium_cost_{k}": run.equilibrium_cost, f"cost_{k}": run.cost}
    with replacing(saved[0], "wb") as file:
        np.savez(file, **arrays)
    with replacing(saved[1]) as out:
        print("protocol,R,geometric_mean,lower,upper", file=out)
        for protocol, costs in data.final.items():
            name = plain(protocol)
            for row in zip(costs.rate, costs.geometric_mean, *costs.quartiles, strict=True):
                print(name, *(f"{value:.9g}" for value in row), sep=",", file=out)
    names, values = rows(data.times)
    write_table(saved[2], values, "%.9g", ",", header=names, comments="")
    return [picture, text, *saved]


def make(network: Mapping[str, Any], size: Size, folder: Path, threads: int | None = None) -> list[Path]:
    """Compute Fig. 2 and write it into a folder: picture, table, data, and the store of the sweep behind panel d.

    network : as the table [network] of a sweep file. The store is taken up where an earlier call ended; under MPI
    all ranks share its sweep, and the first one does the rest. Returns what was written, nothing on other ranks.
    """
    sweep = Sweep.from_tables({
        "network": network,
        "tasks": {"allosteric": {"sources": SOURCES, "targets": TARGETS, "count": size.tasks, "seed": 0}},
        "sweep": {"rates": list(size.rates), "until": UNTIL}})
    store = folder / "fig2_store"
    report = sweep.run(store, threads=threads)
    if this_rank() != 0:
        return []
    if report.stopped:
        print(report.lines()[-1], file=sys.stderr)
        raise SystemExit(STOPPED)
    if report.n_missing:
        raise OSError(f"{store} still misses {report.n_missing} runs; repeat the command to resume")
    times = stored_times(store, size)
    final = final_costs(sweep.network, sweep.tasks, size.rates, threads)
    title = f"{sweep.network!r}; {size.tasks} tasks with {SOURCES} sources and {TARGETS} targets."
    data = Fig2(traces(sweep.network, size.trace_rates, threads), final, times, unit_steps(sweep.network, threads))
    return [*save(data, folder, title), store]


def stored_times(store: Path, size: Size) -> TrainingTimes:
    """Training times of the figure's tasks and rates; a store that was grown may hold more of both."""
    with open_results(store) as data:
        found = data["training_time"].transpose("task", "rate")
        columns = [int(np.abs(np.log(found["rate"].values / rate)).argmin()) for rate in size.rates]
        return TrainingTimes(found["rate"].values[columns], found.values[:size.tasks, columns])


FIGURE = Entry(
    "fig2", "Cost and training time from the quasistatic limit to R = 1e12", PAPER_1,
    {"a": "C* of one task over R, against training steps; dotted: the continuous quasistatic limit; points: its map of "
     "unit step, which the published dotted line is",
     "b": "the same against time", "c": "final C* against R, when runs are ended at equal training steps, at equal "
     "time, and at a time that falls as the training time does", "d": "training time against R, with the power laws "
     "-1 and -1/2"},
    {"quick": QUICK, "usual": USUAL, "full": FULL},
    lambda size, folder, given: make(given.network, size, folder, given.threads),
    adjust={"tasks": int, "rates": parse_rates}, takes_network=True)
