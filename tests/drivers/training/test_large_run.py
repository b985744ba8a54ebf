"""Training on the large path against the lanes, and how its runs are set aside and taken up."""
import numpy as np
import pytest
from ohmlearn import Network, Record, Rule, Task, train
from ohmlearn.drivers.training import large_run, regime
from ohmlearn.drivers.training.ensemble import Ensemble
from ohmlearn.solvers.equilibrium import memory

NET = Network.packing(64, seed=1)


def member(rate, seed=0, net=NET, **options):
    task = Task.allosteric(net, 10, 3, seed=seed, feasible=True)
    options.setdefault("rule", Rule())
    return task, Ensemble(net, [task], np.array([0]), np.array([rate]), options.pop("rule"), **options)


@pytest.mark.parametrize(("rate", "rule"), [
    (0.3, Rule()), (1.0, Rule(nudge=1.0, prefactor=0.5)), (30.0, Rule(floor_mode="clip", floor=1e-3)), (1e4, Rule()),
])
def test_runs_are_those_of_the_lanes(rate, rule):
    record = Record(per_decade=4)
    task, ensemble = member(rate, rule=rule, record=record, until=1e-4, tolerance=1e-5)
    here = large_run.train_large(ensemble)
    there = train(NET, task, rate, rule=rule, record=record, until=1e-4, tolerance=1e-5, method="rk4")
    assert here.status == there.status == "reached"
    assert here.training_time == pytest.approx(there.training_time, rel=2e-3)
    assert here.nonequilibrium_time == pytest.approx(there.nonequilibrium_time, rel=1e-4, nan_ok=True)
    assert here.initial_cost == pytest.approx(there.initial_cost, rel=1e-9)
    both = min(len(here.times), len(there.times))       # the last stretch may reach past the threshold
    assert both > 10
    for name, tolerance in (("times", 1e-15), ("equilibrium_cost", 0.02), ("cost", 1e-3)):
        np.testing.assert_allclose(getattr(here, name)[:both], getattr(there, name)[:both], rtol=tolerance)
    np.testing.assert_allclose(here.voltages[task.sources], task.source_voltages, rtol=0, atol=0)
    np.testing.assert_allclose(here.difference[task.targets], task.target_voltages - here.voltages[task.targets])


@pytest.mark.parametrize("seed", [0, 3])
def test_quasistatic_limit(seed):
    task, ensemble = member(0.0, seed, until=1e-4, tolerance=1e-5)
    here = large_run.train_large(ensemble)
    there = train(NET, task, 0.0, until=1e-4, tolerance=1e-5)
    assert here.training_time == pytest.approx(there.training_time, rel=2e-3)
    slow = train(NET, task, 0.003, until=1e-4)
    assert here.training_time == pytest.approx(slow.training_time * 0.003, rel=0.01)


@pytest.mark.slow
def test_quasistatic_order():
    """The error of τ falls faster than linearly with the step: a tenth of the tolerance is √10 finer steps."""
    times = [large_run.train_large(member(0.0, 3, until=1e-4, tolerance=t)[1]).training_time
             for t in (1e-3, 1e-4, 1e-6)]
    coarse, fine = abs(times[0] - times[2]), abs(times[1] - times[2])
    assert fine < coarse / 4


@pytest.mark.parametrize("rate", [0.0, 2.0])
def test_a_run_set_aside_goes_on_with_the_same_bits(rate, monkeypatch):
    monkeypatch.setattr(large_run, "RENEW", 4)
    _, ensemble = member(rate, record=Record(per_decade=3), until=1e-5)
    whole = large_run.train_large(ensemble)
    evaluations = iter(range(10**6))
    state = large_run.train_large(ensemble, observe=lambda run: next(evaluations) == large_run.RENEW + 5)
    assert isinstance(state, dict)
    later = large_run.train_large(ensemble, saved=state, threads=2)
    assert later.training_time == whole.training_time
    np.testing.assert_array_equal(later.conductances, whole.conductances)
    np.testing.assert_array_equal(later.voltages, whole.voltages)
    np.testing.assert_array_equal(later.equilibrium_cost, whole.equilibrium_cost)


def test_train_takes_the_large_path_by_size(monkeypatch):
    task, ensemble = member(2.0, until=1e-3)
    lanes = train(NET, task, 2.0, until=1e-3)
    monkeypatch.setattr(regime, "LANES_UP_TO", 50)
    runs = train(NET, [task, task], [2.0, 20.0], until=1e-3, threads=2)
    assert runs[0].training_time == large_run.train_large(ensemble).training_time != lanes.training_time
    longer = train(NET, task, 2.0, until=1e-5, conductances=runs[0])
    straight = train(NET, task, 2.0, until=1e-5)
    assert longer.training_time == pytest.approx(straight.training_time, rel=2e-3)
    with pytest.raises(ValueError, match="method 'slow' follows networks small enough"):
        train(NET, task, 2.0, method="slow")


def test_an_unstable_step_diverges_with_the_bound():
    _, ensemble = member(1.0, dt=0.5, until=1e-3)
    run = large_run.train_large(ensemble)
    assert run.status == "diverged"
    assert "the stable bound is" in run.reason


def test_time_limit_and_no_threshold():
    _, ensemble = member(1.0, until=None, t_max=3.0)
    run = large_run.train_large(ensemble)
    assert run.status == "out of time"
    assert run.time == pytest.approx(3.0, rel=1e-12)
    assert np.isnan(run.training_time)


def test_memory_is_foreseen(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1e3)
    with pytest.raises(MemoryError, match=r"training .* needs about"):
        large_run.train_large(member(1.0)[1])


def test_info_says_which_way_and_why():
    words = dict(regime.facts(NET))
    assert words["training"].startswith("lanes: 6")
    words = dict(regime.facts(Network.grid(70, 70)))
    assert words["training"].startswith("large: 4900 nodes")
    assert "as in two dimensions" in words["edges reach"]
    assert "GiB" in words["memory to train"]
