"""Ensembles of lab circuits: against a plain twin, in limits with a closed form, and as the paper found them."""
from dataclasses import replace

import lab_twin as twin
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.lab.block import bias_of, keys_of
from ohmlearn.drivers.lab.train import held_from, train
from ohmlearn.kernels.simd import random_normal
from ohmlearn.lab.circuit import LabCircuit, lab_network, lab_task

BOARD = lab_network()
QUIET = LabCircuit(noise=0.0)
CIRCUITS = {
    "paper": LabCircuit(),
    "no noise": QUIET,
    "bias": LabCircuit(bias=0.02),
    "earlier form": LabCircuit(comparators="earlier"),
    "Eq. 6 as printed": LabCircuit(comparators="eq6"),
    "node capacitors": LabCircuit(capacitors="nodes"),
    "continuous": LabCircuit(discrete=False, step=0.3, start=40.1e3),
    "unsigned": LabCircuit(signed=False),
    "all as in the simulation": LabCircuit(capacitors="nodes", discrete=False, signed=False, noise=0.0),
    "pause after the turn": LabCircuit(pause="turn"),
    "two pauses": LabCircuit(pause="both", nudge=0.3),
    "one step late": LabCircuit(delay=1),
    "seven steps late, unsigned": LabCircuit(delay=7, signed=False, discrete=False),
    "other hardware": LabCircuit(levels=64, tap=1000.0, start=32e3, reference=5e3, noise=0.05),
}


def twin_errors(circuit: LabCircuit, seed: int, m: int):
    """The comparators' errors of every step, from the same keys."""
    keys, bias, drawn = keys_of(seed, m).ravel(), bias_of(seed, m, circuit), np.empty(2 * m)

    def errors(step: int) -> np.ndarray:
        random_normal.normals(drawn, keys, np.uint64(step))
        return bias + circuit.noise * drawn.reshape(2, m)
    return errors


@pytest.mark.parametrize("name", CIRCUITS)
def test_against_the_plain_twin(name: str) -> None:
    """C to 1e-9 and potentiometers exactly, 150 steps at three R; edges that differ would soon show in C."""
    circuit, rates = CIRCUITS[name], [0.01, 0.7, 40.0]
    task = lab_task(BOARD, 5)
    runs = train(BOARD, task, rates, circuit=circuit, steps=150, seed=[3, 4, 5])
    for run, rate in zip(runs, rates, strict=True):
        costs, taps = twin.lab(BOARD, task, rate, circuit, 150, twin_errors(circuit, run.seed, BOARD.n_edges))
        np.testing.assert_allclose(run.cost * run.initial_cost, costs, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(run.taps, taps[-1], rtol=1e-9)


def test_other_boards_against_the_plain_twin() -> None:
    """Sizes that are not unrolled, tasks of several shapes in one call."""
    grid = ol.Network.grid(3, 4)
    tasks = [lab_task(grid, 1), lab_task(grid, 2, targets=3), lab_task(grid, 3, targets=1), lab_task(grid, 4)]
    runs = train(grid, tasks, 0.5, circuit=QUIET, steps=80)
    for run, task in zip(runs, tasks, strict=True):
        costs, taps = twin.lab(grid, task, 0.5, QUIET, 80, lambda step: np.zeros((2, 1)))
        np.testing.assert_allclose(run.cost * run.initial_cost, costs, rtol=1e-9, atol=1e-11)
        assert run.taps.tolist() == taps[-1].tolist()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_slow_circuits_follow_eq_5_at_equilibrium(seed: int) -> None:
    """R -> 0, voltages given their time after the clamp and after the turn: the quasistatic sign rule.

    An edge between the sources has equal drops in both networks, on which Eq. 5 and its XOR form may differ.
    """
    task = lab_task(BOARD, seed)
    run = train(BOARD, task, 1e-5, circuit=replace(QUIET, pause="both"), steps=400)
    matter = ~np.isin(BOARD.edges, task.sources).all(axis=1)
    assert run.taps[matter].tolist() == twin.quasistatic(BOARD, task, QUIET, 400)[-1][matter].tolist()


def test_a_divider_in_closed_form() -> None:
    """Two potentiometers between 0 and 5 V: one goes up while the other goes down until the target is crossed, then
    they alternate for ever: a limit cycle of two states."""
    divider = ol.Network.from_edges([(0, 1), (1, 2)])
    task = ol.Task([0, 2], [0.0, 5.0], [1], [3.21])
    run = train(divider, task, 1e-6, circuit=replace(QUIET, pause="both"), steps=100)
    k, expected = 0, []
    for _ in range(101):
        v = 5.0 * (64 + k) / 128
        expected.append((3.21 - v) ** 2)
        k += 1 if v < 3.21 else -1
    np.testing.assert_allclose(run.cost * run.initial_cost, expected, rtol=1e-12)
    np.testing.assert_allclose(run.cost[-2::-2][:20], run.cost[-2], rtol=1e-9)
    assert run.cost[-1] != pytest.approx(run.cost[-2])


def test_without_noise_circuits_end_in_cycles() -> None:
    """Finitely many states and no noise: C comes back, bit for bit."""
    runs = train(BOARD, [lab_task(BOARD, seed) for seed in range(16)], 1e-4, circuit=replace(QUIET, pause="both"))
    for run in runs:
        late = run.cost[-500:]
        periods = [p for p in range(1, 200) if np.array_equal(late[p:], late[:-p])]
        assert periods
        assert late.max() < 5e-3


@pytest.mark.parametrize("rate", [0.01, 1.0, 30.0])
def test_exact_symmetries(rate: float) -> None:
    """All voltages doubled, noise too: nothing changes, bit for bit. All reversed, without noise: likewise."""
    task, circuit = lab_task(BOARD, 4), LabCircuit(bias=0.01)
    run = train(BOARD, task, rate, circuit=circuit, steps=300, seed=1)
    double = ol.Task(task.sources, 2 * task.source_voltages, task.targets, 2 * task.target_voltages)
    again = train(BOARD, double, rate, circuit=replace(circuit, noise=0.02, bias=0.02), steps=300, seed=1)
    assert np.array_equal(run.cost, again.cost)
    quiet = train(BOARD, task, rate, circuit=QUIET, steps=300)
    reverse = ol.Task(task.sources, -task.source_voltages, task.targets, -task.target_voltages)
    assert np.array_equal(quiet.cost, train(BOARD, reverse, rate, circuit=QUIET, steps=300).cost)
    turned_round = ol.Network(BOARD.edges[:, ::-1], 9)
    assert np.array_equal(quiet.cost, train(turned_round, task, rate, circuit=QUIET, steps=300).cost)


def test_only_r_matters() -> None:
    """c and γl with one product: the same circuit on another clock."""
    task = lab_task(BOARD, 2)
    runs = train(BOARD, task, capacitance=[1e-4, 4e-4], learning_rate=[2.0, 0.5], steps=200)
    assert np.array_equal(runs[0].cost, runs[1].cost)
    assert runs.rate.tolist() == [2.0, 2.0]
    np.testing.assert_allclose(runs[1].seconds, 2.0 * np.arange(201))
    np.testing.assert_allclose(runs[0].times, 0.5 * np.arange(201))
    twice = train(BOARD, task, 2.0, learning_rate=0.5, steps=20, circuit=LabCircuit(pause="both"))
    assert (twice.times[-1], twice.seconds[-1]) == (20.0, 80.0)
    other = train(BOARD, task, 2.0, learning_rate=0.5, steps=200)
    assert other.capacitance == pytest.approx(4e-4)
    assert np.array_equal(other.cost, runs[0].cost)
    assert train(BOARD, task, 2.0, capacitance=4e-4, steps=2).learning_rate == pytest.approx(0.5)


def test_a_circuit_does_not_depend_on_its_company() -> None:
    """Alone, in any order, beside circuits that double more often, on one thread or two: the same bits."""
    tasks = [lab_task(BOARD, seed) for seed in range(19)]
    rates = np.geomspace(1e-3, 100, 19)
    runs = train(BOARD, tasks, rates, steps=120, seed=np.arange(19), threads=2)
    back = train(BOARD, tasks[::-1], rates[::-1], steps=120, seed=np.arange(19)[::-1], threads=1)
    for k in (0, 7, 18):
        alone = train(BOARD, tasks[k], rates[k], steps=120, seed=k)
        for run in (runs[k], back[18 - k]):
            assert np.array_equal(alone.cost, run.cost)
            assert np.array_equal(alone.taps, run.taps)
    assert not np.array_equal(runs[7].cost, train(BOARD, tasks[7], rates[7], steps=120, seed=8).cost)


def test_with_every_difference_switched_the_lab_is_the_simulation() -> None:
    """Node capacitors, continuous conductances, Eq. 3, short pauses: nonequilibrium coupled learning, to first order
    in the pause. The independent truth is `train`."""
    task = lab_task(BOARD, 3)
    simulated = ol.train(BOARD, task, 0.05, rule=ol.Rule(nudge=0.5, floor=0.1, floor_mode="clip"), until=None,
                         t_max=4.0, tolerance=1e-6, record=ol.Record(times=[1.0, 2.0, 4.0]))
    misses = []
    for pause in (0.02, 0.01):
        circuit = LabCircuit(capacitors="nodes", signed=False, discrete=False, noise=0.0, start=10e3,
                             gain=0.05 * pause)
        run = train(BOARD, task, 1 / pause, circuit=circuit, steps=round(4 / pause))
        at = np.rint(simulated.times / pause).astype(int)
        misses.append(np.abs(run.cost[at] - simulated.cost).max())
    assert simulated.cost[-1] < 0.5
    assert misses[0] < 5e-3
    assert misses[0] / misses[1] == pytest.approx(2.0, abs=0.2)


def test_a_run_knows_how_it_ended() -> None:
    run = train(BOARD, lab_task(BOARD, 1), 0.1, steps=600, capacitance=2.2e-6)
    below = run.cost < 1e-3
    first = int(run.steps)
    assert below[first:first + 10].all()
    assert not below[first - 1]
    assert run.training_time == pytest.approx(run.steps / 0.1)
    assert run.floor == pytest.approx(run.cost[-200:].mean())
    assert run.floor_quartiles.tolist() == np.quantile(run.cost[-200:], [0.25, 0.5, 0.75]).tolist()
    np.testing.assert_allclose(run.resistances, 10e3 / run.conductances)
    assert "τ=" in repr(run)
    assert run.equilibrium_cost < 1e-2
    assert train(BOARD, lab_task(BOARD, 1), 0.1, steps=600, traces=False).cost is None
    on = train(BOARD, lab_task(BOARD, 1), 0.1, steps=5, circuit=QUIET, taps=run.taps)
    assert on.cost[0] == 1.0
    assert on.initial_cost == pytest.approx(run.equilibrium_cost * run.initial_cost)


def test_plot() -> None:
    runs = train(BOARD, lab_task(BOARD, 1), [0.1, 10.0], steps=50, capacitance=2.2e-6)
    for against, x in (("steps", np.arange(1, 51)), ("time", runs[1].times[1:]), ("seconds", runs[1].seconds[1:])):
        ax = runs.plot(against=against)
        np.testing.assert_allclose(ax.lines[1].get_xdata(), x)
        np.testing.assert_allclose(ax.lines[1].get_ydata(), runs[1].cost[1:])
        plt.close(ax.figure)
    assert len(runs[0].plot().figure.axes) == 1
    with pytest.raises(ValueError, match="against must be one of steps, time, seconds, not 'hours'"):
        runs.plot(against="hours")
    with pytest.raises(ValueError, match="R=1 kept no trace"):
        train(BOARD, lab_task(BOARD, 1), 1.0, steps=5, traces=False).plot()


def test_held_from() -> None:
    below = np.array([[0, 1, 1, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1], [0, 1, 0, 1, 0, 1, 1]], dtype=bool).T
    np.testing.assert_array_equal(held_from(below, 3), [4, 0, np.nan])
    np.testing.assert_array_equal(held_from(below, 1), [1, 0, 1])
    np.testing.assert_array_equal(held_from(below, 8), [np.nan] * 3)


@pytest.mark.parametrize(("options", "words"), [
    ({}, "give rate, or two of"),
    ({"capacitance": 1e-6}, "give rate, or two of"),
    ({"rate": 1.0, "capacitance": 1e-6, "learning_rate": 1.0}, "give rate, or two of"),
    ({"rate": 0.0}, "rate must be finite and > 0, not 0.0"),
    ({"rate": [1.0, np.nan]}, "rate must be finite and > 0, not nan"),
    ({"capacitance": -1e-6, "learning_rate": 1.0}, "capacitance must be finite"),
    ({"rate": [1.0, 2.0, 3.0], "seed": [1, 2]}, "do not go together"),
    ({"rate": 1.0, "seed": -1}, "seed must be integers >= 0"),
    ({"rate": 1.0, "seed": 0.5}, "seed must be integers"),
    ({"rate": 1.0, "steps": 0}, "steps and hold must be at least 1"),
    ({"rate": 1.0, "until": 0.0}, "until > 0"),
    ({"rate": 1.0, "taps": np.ones(15)}, r"taps must have shape \(16,\)"),
    ({"rate": 1.0, "taps": np.full(16, 200.0)}, "taps must lie between"),
    ({"rate": 1.0, "circuit": LabCircuit(bias=np.zeros((2, 5)))}, r"bias must have shape \(2, 16\)"),
    ({"rate": 1.0, "threads": 0}, "threads must be at least 1"),
])
def test_bad_input(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        train(BOARD, lab_task(BOARD, 0), **options)


def test_bad_tasks() -> None:
    with pytest.raises(NotImplementedError, match="held nodes and target nodes only"):
        train(BOARD, ol.Task(currents={0: 1.0, 1: -1.0}, targets=[3], target_voltages=[1.0], ground=0), 1.0)
    with pytest.raises(ValueError, match="target node 9 is not in the network"):
        train(BOARD, ol.Task([0, 1], [0.0, 5.0], [9], [1.0]), 1.0)
    with pytest.raises(ValueError, match="give at least one task to train"):
        train(BOARD, [], 1.0)
