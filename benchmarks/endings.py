"""Whether runs end as they should, for random networks, tasks, rules and schedules.

    python benchmarks/endings.py [--runs 10000] [--seed 0] [--minute 60] [--show 40]

Four families of networks of 10 to 60 nodes, R from 1e-3 to 1e10 and 0. An ending is false where
- a run "diverged", unless the same run at another tolerance and step blows up too (`blows_up`);
- a run "stalled" that reaches its threshold within its time limit when it is not stopped;
- a run "reached" its threshold with a cost or a state that is no number, or with a cost above the threshold;
- a run is "out of time" before its time limit;
- a call of train has not come back after `minute` seconds ("never").
Runs of one network and rule are trained in one call, so that 10000 of them take minutes on one core.
"""
from __future__ import annotations

import argparse
import collections
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import ohmlearn as ol
from ohmlearn.drivers.training.ensemble import Ensemble, default_limit

TOGETHER = 16           # runs in a call
FAMILIES = ("packing", "grid", "delaunay", "random")
PLAIN = 0.5             # of the calls go to the fast kernels


@dataclass
class Call:
    """One call of train: `options` are its keywords."""

    network: ol.Network
    tasks: list[Any]
    rates: list[float]
    options: dict[str, Any]

    def run(self, members: Any = None, **changes: Any) -> ol.Runs:
        """The runs of the call, or of some of its members."""
        members = range(len(self.tasks)) if members is None else members
        return ol.train(self.network, [self.tasks[k] for k in members], [self.rates[k] for k in members],
                        **(self.options | changes), threads=1)


def spread(rng: np.random.Generator, low: float, high: float) -> float:
    """A number drawn evenly in its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def network(rng: np.random.Generator) -> ol.Network:
    family, seed, size = FAMILIES[rng.integers(4)], int(rng.integers(1000)), int(rng.integers(10, 61))
    if family == "packing":
        return ol.Network.packing(size, seed=seed)
    if family == "grid":
        return ol.Network.grid(int(rng.integers(3, 8)), int(rng.integers(4, 8)))
    if family == "delaunay":
        return ol.Network.delaunay(size, seed=seed)
    return ol.Network.random(size, 4.5, seed=seed).largest_component()


def task(rng: np.random.Generator, net: ol.Network, plain: bool) -> Any:
    """A task of 1 to 5 targets; if not plain, with currents, drops or several samples."""
    most = min(5, net.n_nodes - 8)                       # some nodes are left free
    base = ol.Task.allosteric(net, int(rng.integers(2, 7)), int(rng.integers(1, most + 1)),
                              seed=int(rng.integers(10**6)), feasible=False)
    if plain:
        if rng.random() < 0.7:
            low, high = base.bounds.T
            base = ol.Task(base.sources, base.source_voltages, base.targets, np.clip(base.target_voltages, low, high))
        return base
    kind, free = rng.integers(4), np.setdiff1d(np.arange(net.n_nodes), [*base.sources, *base.targets])
    if kind == 0:
        return tuple(ol.Task(base.sources, base.source_voltages * rng.normal(1, 0.5, base.sources.size), base.targets,
                             base.target_voltages * rng.normal(1, 0.5, base.n_targets)) for _ in range(3))
    if kind == 1:
        pairs = [(int(node), int(free[k % free.size])) for k, node in enumerate(base.targets)]
        return ol.Task(base.sources, base.source_voltages, pairs, base.target_voltages)
    if kind == 2:
        return ol.Task(base.sources, base.source_voltages, base.targets, base.target_voltages,
                       currents={int(free[0]): float(rng.normal())})
    return ol.Task(base.sources, base.source_voltages, base.targets, base.target_voltages,
                   drops={(int(free[0]), int(base.sources[0])): float(rng.normal())})


def bounds(rng: np.random.Generator, net: ol.Network) -> dict[str, Any]:
    """Fields of a rule that all kernels know."""
    given: dict[str, Any] = {"nudge": float(rng.choice([0.0, 1e-3, spread(rng, 1e-3, 1.0)])),
                             "floor_mode": str(rng.choice(["relax", "clip"])), "floor": spread(rng, 1e-8, 1e-2)}
    if rng.random() < 0.3:
        given["prefactor"] = spread(rng, 0.01, 10.0)
    if rng.random() < 0.3:
        given["floor_rate"] = spread(rng, 0.03, 30.0)
    if rng.random() < 0.3:
        given["ceiling"] = spread(rng, 1.5, 1e4)
    if rng.random() < 0.2:
        given["frozen"] = rng.random(net.n_edges) < 0.2
    return given


def variant(rng: np.random.Generator, net: ol.Network, rate: float) -> dict[str, Any]:
    """Fields of a rule that the general kernels know."""
    given: dict[str, Any] = {}
    if rng.random() < 0.5:
        given = {"clamp": "pulled", "clamp_rate": spread(rng, 0.1, 10.0), "clamp_share": spread(rng, 1e-3, 1.0)}
        if rate > 0 and rng.random() < 0.3:
            given = {"clamp": "moving", "clamp_rate": spread(rng, 0.1, 10.0), "nudge": spread(rng, 1e-2, 1.0)}
    if rng.random() < 0.15:
        given["aging"] = spread(rng, 1e-6, 1e-2)
    if rng.random() < 0.15:
        given["bias"] = rng.normal(0, 1e-4, net.n_edges)
    if rng.random() < 0.15:
        given |= {"noise": spread(rng, 1e-6, 1e-2), "seed": int(rng.integers(100))}
    if rng.random() < 0.2:
        given["edge_scale"] = spread(rng, 1e-3, 1.0)
        if rng.random() < 0.5:
            given["memory"] = spread(rng, 1.0, 1e3)
    return given


def schedule(rng: np.random.Generator, limit: float, rate: float, several: bool) -> ol.Schedule | None:
    given: dict[str, Any] = {}
    if several and rng.random() < 0.5:
        given = {"switching": spread(rng, 20 / limit, 500 / limit), "blend": bool(rng.random() < 0.5)}
    if rng.random() < 0.2:
        given |= {"ramp_times": [0.1 * limit, 0.5 * limit], "ramp_factors": [1.0, spread(rng, 0.1, 10.0)]}
    if rate > 0 and rng.random() < 0.15:
        given |= {"slow_down": spread(rng, 0.1, 10) / limit, "speed_up": spread(rng, 0.1, 10.0) / limit}
    return ol.Schedule(**given) if given else None


def call(seed: int) -> Call:
    """A random call of train."""
    rng = np.random.default_rng([12, seed])
    net, plain = network(rng), bool(rng.random() < PLAIN)
    rate = 0.0 if rng.random() < 0.12 else spread(rng, 1e-3, 1e10)
    options: dict[str, Any] = {"until": spread(rng, 1e-12, 0.3) if rng.random() < 0.5 else 1e-6,
                               "tolerance": spread(rng, 1e-5, 1e-2), "go_on": bool(rng.random() < 0.15)}
    longest = default_limit(rate)
    if not plain:                               # the general kernels step through every relaxation time
        longest = min(longest, 3000.0) * (1.0 if rng.random() < 0.15 else 0.05)
    if rng.random() < 0.4 or longest < default_limit(rate):
        options["t_max"] = longest * spread(rng, 1e-2, 1.0)
    if rng.random() < 0.1:
        options |= {"until": None, "t_max": 0.3 * longest}
    if rng.random() < 0.3:
        options["record"] = ol.Record(per_decade=4)
    rates = [rate * (spread(rng, 0.5, 2.0) if "t_max" in options else spread(rng, 0.1, 10.0))
             for _ in range(TOGETHER)]
    rule, tasks = bounds(rng, net), [task(rng, net, plain) for _ in range(TOGETHER)]
    limit = options.get("t_max", longest)
    if not plain:
        rule |= variant(rng, net, rate)
        if rng.random() < 0.15 and rule.get("clamp") != "moving":
            step = spread(rng, 0.03, 1.0) / max(1.0, rate) ** 0.5
            options["updates"] = ol.Discrete(step=step, probability=float(rng.choice([1.0, 0.5])))
            options["t_max"] = min(limit, 3000 * step / (rate or 1.0))
        else:
            options["schedule"] = schedule(rng, limit, rate, any(isinstance(given, tuple) for given in tasks))
    elif rate > 0.01 and rng.random() < 0.2:
        options["method"] = "rk4"
    options["rule"] = ol.Rule(**rule)
    return Call(net, tasks, rates, options)


def reached_falsely(call: Call, run: ol.Run) -> str:
    """What is wrong about a run that reached its threshold, or nothing."""
    numbers = [run.final_cost, run.initial_cost, run.time, run.training_time, *run.conductances, *run.voltages.flat]
    if not np.all(np.isfinite(numbers)):
        return "no number"
    below = call.options["until"] or 1.0
    if not call.options["go_on"] and not run.final_cost <= below * (1 + 1e-9) and run.initial_cost > 0:
        return "above the threshold"
    return ""


def blows_up(call: Call, member: int, run: ol.Run) -> bool:
    """Whether a run that diverged does so as well where it is followed more closely."""
    if call.options["rule"].ceiling is not None:
        return False                            # bounded conductances cannot blow up
    for tolerance in (1e-5, 1e-6):
        with mock.patch.object(Ensemble, "patience", return_value=np.inf):
            other = call.run([member], tolerance=tolerance, record=None)[0]
        if other.status != "diverged":
            return False
    return abs(other.time / run.time - 1) < 0.1 if run.time > 0 else other.time == run.time


def false_endings(call: Call, minute: float = 60.0) -> Iterator[tuple[int, str, str]]:
    """The members of a call that end falsely: their number, how, and what they said. Numbers of all endings at last."""
    runs = call.run()
    stalled = [k for k, run in enumerate(runs) if run.status == "stalled"]
    if stalled:
        begun = time.monotonic()
        with mock.patch.object(Ensemble, "patience", return_value=np.inf):
            for k in stalled:
                if time.monotonic() - begun > minute / 2:
                    yield k, "unchecked", runs[k].reason
                    continue
                other = call.run([k], record=None)[0]
                if other.status == "reached":
                    yield k, "stalled", f"{runs[k].reason}; {other.reason}"
    for k, run in enumerate(runs):
        wrong = ""
        if run.status == "diverged" and not blows_up(call, k, run):
            wrong = "diverged"
        elif run.status == "reached":
            wrong = reached_falsely(call, run)
        elif run.status == "out of time" and "updates" not in call.options:
            limit = call.options.get("t_max") or default_limit(call.rates[k])
            wrong = "" if abs(run.time / limit - 1) < 1e-9 else "out of time too early"
        if wrong:
            yield k, wrong, run.reason
    for status, count in collections.Counter(run.status for run in runs).items():
        yield count, f"number {status}", ""


def load_kernels() -> None:
    """Compile or load what the calls use, so that they are not timed with it."""
    net, task = ol.Network.grid(3, 3), ol.Task([0, 8], [1.0, 0.0], [4], [0.4])
    none = np.zeros(12, dtype=bool)
    for bounds in ({}, {"ceiling": 9.0}, {"frozen": none}, {"ceiling": 9.0, "frozen": none}):
        ol.train(net, [task, task], [1.0, 0.0], rule=ol.Rule(**bounds))
    for updates in (None, ol.Discrete()):
        ol.train(net, [task, task], [1.0, 0.0], rule=ol.Rule(clamp="pulled"), updates=updates)


def answer(queue: Any, seed: int, minute: float) -> None:
    try:
        queue.put(list(false_endings(call(seed), minute)))
    except (ValueError, NotImplementedError) as error:
        queue.put([(TOGETHER, "number refused", str(error))])
    except Exception as error:
        queue.put([(0, "error", f"{type(error).__name__}: {error}")])


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--runs", type=int, default=10_000)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--minute", type=float, default=60.0)
    words.add_argument("--most", type=float, default=np.inf, help="seconds after which no further call is begun")
    words.add_argument("--show", type=int, default=40)
    given = words.parse_args()
    context, counts, found = multiprocessing.get_context("fork"), collections.Counter[str](), []
    load_kernels()
    begun = time.monotonic()
    first, slowest = given.seed * 1000, (0.0, 0)
    for seed in range(first, first + -(-given.runs // TOGETHER)):
        if time.monotonic() - begun > given.most:
            break
        queue = context.SimpleQueue()
        child = context.Process(target=answer, args=(queue, seed, given.minute))
        started = time.monotonic()
        child.start()
        child.join(given.minute)
        slowest = max(slowest, (time.monotonic() - started, seed))
        if child.is_alive():
            child.kill()
            child.join()
            found.append((seed, 0, "never", f"not back after {given.minute:g} s"))
            continue
        for number, what, said in queue.get():
            if what.startswith("number "):
                counts[what[7:]] += number
            else:
                found.append((seed, number, what, said))
    print(f"{sum(counts.values())} runs in {time.monotonic() - begun:.0f} s (slowest call {slowest[0]:.1f} s, seed "
          f"{slowest[1]}): {', '.join(f'{n} {what}' for what, n in counts.most_common())}")
    print(f"false endings: {len(found)} {dict(collections.Counter(what for _, _, what, _ in found))}")
    for seed, number, what, said in found[:given.show]:
        print(f"  seed {seed}, member {number}, {what}: {said}")


if __name__ == "__main__":
    main()
