"""Discrete updates against dense maps with exact relaxation, and against the flows that they come to."""
import itertools

import numpy as np
import ohmlearn as ol
import pytest
from discrete_twin import BIAS, FLOATING, FROZEN, MIXED, NET, NODES, OTHER, SAMPLES, START, DiscreteTwin
from queues import whole_and_in_slices

RAMP = np.array([2.0, 7.0]), np.array([1.5, 0.2])
UPDATES = 12

# task, rule, Discrete, order of the samples, ramp of the rate
CASES = {
    "nodes": (NODES, {}, {}, None, None),
    "a finite nudge, larger steps": (NODES, {"nudge": 0.5, "prefactor": 0.5}, {"step": 2.5}, None, None),
    "held drops, drops that share a node": (MIXED, {"nudge": 0.3}, {"step": 0.3}, None, None),
    "floating": (FLOATING, {}, {}, None, None),
    "pulled": (MIXED, {"clamp": "pulled", "clamp_rate": 3.0, "clamp_share": 0.2, "nudge": 0.2}, {"step": 0.3}, None,
               None),
    "all samples": (SAMPLES, {}, {}, None, None),
    "one sample at a time": (SAMPLES, {}, {"batch": 1}, np.arange(UPDATES) % 3, None),
    "two samples at a time": (SAMPLES, {"nudge": 0.1}, {"batch": 2}, np.arange(2 * UPDATES).reshape(-1, 2) % 3, None),
    "aging, bias, frozen edges": (NODES, {"aging": 0.01, "bias": BIAS, "frozen": FROZEN}, {}, None, None),
    "edges of their own": (NODES, {"edge_scale": 0.05, "memory": 2.0}, {}, None, None),
    "bounds": (NODES, {"floor": 0.6, "ceiling": 1.4, "prefactor": 8.0}, {}, None, None),
    "clip": (NODES, {"floor": 0.6, "ceiling": 1.4, "prefactor": 8.0, "floor_mode": "clip"}, {}, None, None),
    "ramp": (NODES, {}, {}, None, RAMP),
}


def run_of(case, rate, count=UPDATES, **options):
    task, rule, updates, _, ramp = case
    pause = updates.get("step", 1.0) / (rate or 1.0)
    schedule = None if ramp is None else ol.Schedule(ramp_times=ramp[0], ramp_factors=ramp[1])
    options = {"until": None, "t_max": count * pause, "conductances": START, "schedule": schedule, "tolerance": 1e-8,
               "record": ol.Record(times=pause * np.arange(count + 1))} | options
    return ol.train(NET, task, rate, rule=ol.Rule(**rule), updates=ol.Discrete(**updates), **options)


def twin_of(case, rate):
    task, rule, updates, order, ramp = case
    samples = task if isinstance(task, tuple) else (task,)
    return DiscreteTwin(NET, samples, ol.Rule(**rule), rate, updates.get("step", 1.0), order, ramp=ramp)


@pytest.mark.parametrize("rate", [0.0, 0.7])
@pytest.mark.parametrize("name", CASES)
def test_map(name, rate):
    """G, v, w after the last update and both costs after each, at equilibrium and with exact relaxation in between."""
    run, states = run_of(CASES[name], rate), twin_of(CASES[name], rate).states(UPDATES, START)
    tolerance = 1e-12 if rate == 0 else 3e-8
    shown, G, _, _ = states[-1]
    assert run.n_steps == UPDATES
    np.testing.assert_allclose(run.conductances, G, atol=10 * tolerance)
    assert np.abs(G - START).max() > 0.05
    v, w = (np.array([pair[k] for pair in shown]) for k in (0, 1))
    np.testing.assert_allclose(run.voltages, v if len(v) > 1 else v[0], atol=10 * tolerance)
    np.testing.assert_allclose(run.difference, w if len(w) > 1 else w[0], atol=10 * tolerance)
    equilibrium, instant = (np.array([state[k] for state in states]) / run.initial_cost for k in (2, 3))
    assert states[0][2] == pytest.approx(run.initial_cost, rel=1e-10)
    np.testing.assert_allclose(run.equilibrium_cost, equilibrium, rtol=1e3 * tolerance, atol=tolerance)
    np.testing.assert_allclose(run.cost, equilibrium if rate == 0 else instant, rtol=1e3 * tolerance, atol=tolerance)


def test_moving_clamp_between_updates():
    case = NODES, {"clamp": "moving", "clamp_rate": 2.0, "nudge": 0.5}, {}, None, None
    G = twin_of(case, 0.7).states(UPDATES, START)[-1][1]
    np.testing.assert_allclose(run_of(case, 0.7).conductances, G, atol=3e-7)


def test_bounds_are_met_and_the_relaxing_floor_holds_back():
    """At R = 4 a conductance falls by (1 - exp(-1/4)) of what it is above the floor at most, in an update."""
    at_once, slowly = (run_of(CASES[name], 4.0, count=1, record=None).conductances for name in ("clip", "bounds"))
    assert at_once.min() == pytest.approx(0.6, abs=1e-15)
    assert at_once.max() == 1.4
    assert slowly.min() > 0.6
    assert np.any(np.isclose(START - slowly, -np.expm1(-0.25) * (START - 0.6), rtol=1e-12))
    assert np.all(np.abs(slowly - START) <= np.maximum(START - 0.6, 1.4 - START) * -np.expm1(-0.25) + 1e-12)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-5, 1e-8])
def test_relaxation_is_as_exact_as_asked(tolerance):
    """Voltages after the second update against the matrix exponential, relative to how far they were from rest."""
    for rate in (0.1, 1.0, 20.0):
        case = CASES["nodes"]
        run = run_of(case, rate, count=2, record=None, tolerance=tolerance)
        states = twin_of(case, rate).states(2, START)
        twin, [(v, w)], G = twin_of(case, rate), states[-1][0], states[1][1]
        away = np.abs(states[0][0][0][0] - twin.equilibrium(G, twin.given(0))[0]).max()
        assert np.abs(run.voltages - v).max() <= tolerance * away + 1e-13
        assert np.abs(run.difference - w).max() <= 2 * tolerance * away + 1e-13


@pytest.mark.parametrize(("network", "sources"), [
    (ol.Network.packing(64, seed=1), 10), (ol.Network.grid(5, 7), 6), (ol.Network.delaunay(33, seed=4), 5),
    (ol.Network.random(41, 4.5, seed=3), 7)], ids=["packing", "grid", "delaunay", "random"])
def test_networks_and_targets(network, sources):
    """The map of unit step to the threshold, for one, two and three targets: τ, C* all the way, G at τ."""
    network = network.largest_component()
    tasks = [ol.Task.allosteric(network, sources, targets, seed=targets, feasible=True) for targets in (1, 2, 3)]
    runs = ol.train(network, tasks, 0.0, updates=ol.Discrete(), until=1e-3, t_max=300.0,
                    record=ol.Record(times=np.arange(301.0)))
    for task, run in zip(tasks, runs, strict=True):
        states = DiscreteTwin(network, (task,), ol.Rule(), 0.0).states(run.n_steps, np.ones(network.n_edges))
        costs = np.array([state[2] for state in states])
        np.testing.assert_allclose(run.equilibrium_cost, costs / costs[0], rtol=1e-7)
        np.testing.assert_allclose(run.conductances, states[-1][1], atol=1e-9)
        below = np.flatnonzero(costs < 1e-3 * costs[0])
        assert run.status == ("reached" if below.size else "out of time")
        if below.size:
            assert run.training_time == run.time == run.sustained_time == run.n_steps == below[0]
            assert run.final_cost < 1e-3 <= run.equilibrium_cost[-2]
            np.testing.assert_allclose(run.voltages, ol.voltages(network, task, run.conductances), atol=1e-12)
    assert "reached" in runs.status


@pytest.mark.parametrize(("rate", "task", "batch", "order"), [
    (0.0, NODES, None, 1), (0.0, SAMPLES, None, 1), (0.0, SAMPLES, 1, 1), (0.5, NODES, None, 2),
    (0.5, SAMPLES, None, 2)])
def test_small_steps_are_the_flow(rate, task, batch, order):
    """Of first order in the step, of all samples and of one after the other. Where voltages relax in between it is
    of second order: G is that of Strang's splitting, as the start is at rest and the end of relaxation leaves G."""
    options = {"until": None, "t_max": 1.5 / (rate or 1.0), "conductances": START}
    flow = ol.train(NET, task, rate, tolerance=1e-8, **options).conductances
    errors = [np.abs(ol.train(NET, task, rate, tolerance=1e-6, updates=ol.Discrete(step=1.5 / n, batch=batch),
                              **options).conductances - flow).max() for n in (24, 48, 96)]
    assert errors[-1] < 0.02
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), order, atol=0.15)


def test_slow_updates_are_those_at_equilibrium():
    """Once 1/R is longer than the slowest relaxation nothing is left of it, and voltages stop at rest on the way."""
    still = run_of(CASES["nodes"], 0.0)
    apart = [np.abs(run_of(CASES["nodes"], rate).conductances - still.conductances).max() for rate in (0.5, 0.1, 0.02)]
    assert apart[0] > 100 * apart[1] > 1e4 * apart[2]
    assert apart[2] < 1e-11
    slowest = run_of(CASES["nodes"], 1e-45)
    np.testing.assert_allclose(slowest.conductances, still.conductances, atol=1e-9)
    assert slowest.time == pytest.approx(UPDATES * 1e45)


def test_updates_that_edges_take_part_in():
    """Bias alone moves conductances, so that they count updates: binomial, and other edges and runs by themselves."""
    probability, count = 0.3, 400
    quiet = ol.Task([0, 13], [1e-4, 0.0], [4], [0.5e-4])
    runs = ol.train(NET, [quiet] * 40, 0.0, rule=ol.Rule(bias=np.full(NET.n_edges, -1e-3)), until=None, t_max=count,
                    updates=ol.Discrete(probability=probability, seed=3))
    taken = (runs.conductances - 1.0) / 1e-3
    np.testing.assert_allclose(taken, np.rint(taken), atol=1e-3)
    spread = np.sqrt(count * probability * (1 - probability))
    assert abs(taken.mean() - count * probability) < 4 * spread / np.sqrt(taken.size)
    assert taken.std() == pytest.approx(spread, rel=4 / np.sqrt(2 * taken.size))
    assert abs(np.corrcoef(taken[0], taken[1])[0, 1]) < 4 / np.sqrt(NET.n_edges)
    assert len(np.unique(taken, axis=0)) == 40


def test_probability_is_the_mean_speed():
    """In small steps a share p of the edges at a time learns as all do, at the speed p."""
    options = {"until": None, "conductances": START, "record": None}
    all_edges = ol.train(NET, NODES, 0.0, t_max=2.0, updates=ol.Discrete(step=0.01), **options)
    half = ol.train(NET, [NODES] * 8, 0.0, t_max=4.0, updates=ol.Discrete(step=0.01, probability=0.5), **options)
    moved = np.abs(all_edges.conductances - START).max()
    np.testing.assert_allclose(half.conductances.mean(axis=0), all_edges.conductances, atol=0.03 * moved)
    sure = ol.train(NET, NODES, 0.0, t_max=2.0, updates=ol.Discrete(step=0.01, probability=1.0, seed=9), **options)
    assert np.array_equal(sure.conductances, all_edges.conductances)
    other = ol.train(NET, [NODES] * 8, 0.0, t_max=4.0, updates=ol.Discrete(step=0.01, probability=0.5, seed=1),
                     **options)
    assert not np.any(np.all(other.conductances == half.conductances, axis=1))


def test_random_order_shows_every_sample_once_before_any_twice():
    """Two epochs of one sample at a time: the orders are found by trying them all; over seeds all of them occur."""
    found = set()
    for seed in range(12):
        case = SAMPLES, {}, {"batch": 1, "order": "random", "seed": seed}, None, None
        G = run_of(case, 0.0, count=6, record=None).conductances
        ways = [first + second for first in itertools.permutations(range(3))
                for second in itertools.permutations(range(3))]
        apart = [np.abs(DiscreteTwin(NET, SAMPLES, ol.Rule(), 0.0, order=way).states(6, START)[-1][1] - G).max()
                 for way in ways]
        assert np.sort(apart)[0] < 1e-10 < 1e-6 < np.sort(apart)[1]
        found |= {ways[int(np.argmin(apart))][:3], ways[int(np.argmin(apart))][3:]}
    assert len(found) == 6


def test_noise_is_that_of_the_training_steps_of_an_update():
    quiet = ol.Task([0, 13], [1e-4, 0.0], [4], [0.5e-4])
    for step, sigma in ((1.0, 0.01), (0.25, 0.01)):
        runs = ol.train(NET, [quiet] * 200, 0.0, rule=ol.Rule(noise=sigma, seed=7), until=None, t_max=4.0,
                        updates=ol.Discrete(step=step))
        moved = (runs.conductances - 1.0) / (sigma * 2.0)
        assert moved.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * moved.size))
        assert abs(moved.mean()) < 4 / np.sqrt(moved.size)


def test_times_thresholds_and_records():
    """The first update below the threshold, the last that came down through it, and the costs of the update before."""
    options = {"conductances": START, "until": 0.05, "rule": ol.Rule(prefactor=6.0)}
    trace = ol.train(NET, NODES, 0.0, updates=ol.Discrete(step=0.5), t_max=20.0, go_on=True,
                     record=ol.Record(times=0.5 * np.arange(41)), **options)
    below = trace.equilibrium_cost < 0.05
    first = np.flatnonzero(below)[0]
    assert trace.training_time == 0.5 * first
    last = np.flatnonzero(~below)[-1] + 1
    assert below[-1]
    assert trace.status == "reached"
    assert trace.sustained_time == 0.5 * last
    assert trace.time == 20.0
    between = ol.train(NET, NODES, 0.0, updates=ol.Discrete(step=0.5), t_max=3.1, go_on=True,
                       record=ol.Record(times=[0.0, 0.49, 0.5, 0.99, 1.7, 3.1]), **options)
    np.testing.assert_array_equal(between.equilibrium_cost, trace.equilibrium_cost[[0, 0, 1, 1, 3, 6]])
    assert between.time == 3.0
    ended = ol.train(NET, NODES, 0.0, updates=ol.Discrete(step=0.5), t_max=20.0, record=ol.Record(per_decade=5),
                     **options)
    assert ended.status == "reached"
    assert ended.time == ended.training_time == 0.5 * first
    assert ended.times[-1] <= ended.time
    late = ol.train(NET, NODES, 0.0, updates=ol.Discrete(step=0.5), t_max=0.5, **(options | {"until": 1e-6}))
    assert late.status == "out of time"
    assert "after 1 updates" in late.reason
    assert np.isnan(late.training_time)


def test_a_learned_task_ends_at_once():
    learned = ol.Task([0, 13], [0.0, 0.0], [4], [0.0])
    for rate in (0.0, 1.0):
        run = ol.train(NET, learned, rate, updates=ol.Discrete())
        assert run.status == "reached"
        assert run.training_time == run.n_steps == 0


def test_what_would_grow_beyond_numbers_is_refused():
    """Nothing bounds the voltages under current drive: conductances would rise without end in steps this large."""
    task = ol.Task(currents={0: 100.0}, targets=[4], target_voltages=[1e-3], ground=13)
    rule = ol.Rule(prefactor=1e100)
    with pytest.raises(ValueError, match="conductances would change at"):
        ol.train(NET, task, 0.0, rule=rule, updates=ol.Discrete(), t_max=100.0)


def test_bits_depend_on_the_member_only():
    tasks = [SAMPLES, (NODES, OTHER), (FLOATING, FLOATING), (MIXED, MIXED), (NODES, NODES), SAMPLES] * 3
    rates = np.where(np.arange(18) % 3 == 0, 0.0, np.geomspace(0.1, 300, 18))
    options = {"t_max": 40.0, "record": ol.Record(per_decade=2), "rule": ol.Rule(noise=1e-3, edge_scale=0.1),
               "updates": ol.Discrete(batch=2, order="random", probability=0.7, seed=4)}
    many, two = (ol.train(NET, tasks, rates, threads=threads, **options) for threads in (1, 2))
    names = ("conductances", "final_cost", "training_time", "n_steps", "cost", "equilibrium_cost", "voltages")
    for k, name in itertools.product(range(18), names):
        np.testing.assert_array_equal(getattr(many[k], name), getattr(two[k], name), err_msg=name)
    some = ol.train(NET, tasks[:7], rates[:7], **options)
    for k, name in itertools.product(range(7), names):
        np.testing.assert_array_equal(getattr(many[k], name), getattr(some[k], name), err_msg=name)


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_a_run_goes_on_from_another(rate):
    options = {"until": None, "rule": ol.Rule(noise=1e-3), "conductances": START,
               "updates": ol.Discrete(batch=1, order="random", probability=0.7)}
    pause = 1 / (rate or 1.0)
    whole, half = (ol.train(NET, SAMPLES, rate, t_max=count * pause, **options) for count in (10, 5))
    rest = ol.train(NET, SAMPLES, rate, t_max=5 * pause, **(options | {"conductances": half}))
    assert rest.time == pytest.approx(whole.time, rel=1e-14)
    np.testing.assert_allclose(rest.conductances, whole.conductances, atol=1e-12)
    assert rest.final_cost == pytest.approx(whole.final_cost, rel=1e-9)


def test_set_aside_and_taken_up_again(monkeypatch):
    from ohmlearn.drivers.training import discrete_block
    from ohmlearn.drivers.training.ensemble import Ensemble

    monkeypatch.setattr(discrete_block, "WORK", 2000)
    ensemble = Ensemble(NET, [SAMPLES], np.zeros(3, dtype=int), np.array([0.0, 0.3, 3.0]), ol.Rule(noise=1e-3),
                        until=None, t_max=60.0, updates=ol.Discrete(batch=1, order="random", probability=0.6))
    whole, parts = whole_and_in_slices(ensemble, 3, 3)
    for k in range(3):
        assert np.array_equal(whole[k].conductances, parts[k].conductances)
        assert np.array_equal(whole[k].difference, parts[k].difference)
