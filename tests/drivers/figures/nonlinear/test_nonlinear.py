"""The figure of nonlinear edges: its tasks, its table and its panels."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.analysis.training_times import TrainingTimes
from ohmlearn.drivers.figures.nonlinear import nonlinear, panels, table
from ohmlearn.drivers.figures.nonlinear.data import Ends, Nonlinear, Quality, Xor

RATES = np.array([1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8])


def made_up(tasks=8, seed=0):
    """Data that follow the power laws: 1/R, then 1/√R; overdrives 0.5 √R; with ceiling c, R < 200 c² reach it."""
    rng = np.random.default_rng(seed)
    factor = np.exp(rng.normal(0, 0.1, (tasks, 1)))
    times = factor * np.where(RATES < 1, 100 / RATES, 100 / np.sqrt(RATES))
    whole = Ends(TrainingTimes(RATES, times), np.broadcast_to(0.5 * np.sqrt(RATES), times.shape))

    def under(c):
        lost = np.arange(tasks)[:, None] >= tasks * np.clip(1.5 - np.log10(RATES / (20 * c**2)) / 1.0, 0, 1)
        return Ends(TrainingTimes(RATES, np.where(lost, np.nan, times)), whole.largest)

    laws = dict.fromkeys(nonlinear.LAWS, whole)
    ceilings = {(name, c): under(c) for name in ("linear", "square") for c in (4.0, 40.0)}
    xor = Xor((2, 3, 4), np.array([100.0, 10_000.0]), np.array([[0.05, 0.05, 0.04], [0.04, 0.02, 0.03]]),
              np.array([False, True, True]))
    cosines = dict.fromkeys(nonlinear.LAWS, 0.99 - 0.1 * rng.random((4, 5)) * np.linspace(0, 1, 5))
    return Nonlinear(laws, ceilings, xor, Quality(nonlinear.NUDGES, cosines))


def test_resistors_take_as_long_on_mapped_tasks():
    """Voltages scaled by f with R / f² and shifted by a constant: an exact symmetry of resistors."""
    network = ol.Network.grid(4, 4)
    tasks = [ol.Task.allosteric(network, 3, 1, seed=seed, feasible=True) for seed in range(3)]
    drawn = [nonlinear.upward(task) for task in tasks]
    assert all(task.source_voltages.min() == 0 and task.source_voltages.max() == 1 for task, _ in drawn)
    found = nonlinear.ends(network, drawn, [0.5, 20.0], "linear", threads=1)
    rule = ol.Rule(floor_mode="clip")
    for k, rate in enumerate((0.5, 20.0)):
        runs = ol.train(network, tasks, rate, rule=rule)
        np.testing.assert_allclose(found.times.times[:, k], runs.training_time, rtol=2e-3)
        np.testing.assert_allclose(found.largest[:, k], runs.conductances.max(axis=1), rtol=2e-3)


def test_gates_may_not_pass_a_ceiling():
    law, rule = nonlinear.limited("level 1", 4.0)
    assert law.highest == 0.75 + 4 * 2
    assert rule.prefactor == 2.0
    assert nonlinear.limited("linear", 4.0)[1].ceiling == 4.0


def test_verdicts_of_data_that_follow_the_laws():
    text = table.table(made_up(), "title")
    lines = [line for line in text.splitlines() if line.startswith(("pass", "open", "FAIL"))]
    assert all(line.startswith("pass") for line in lines), text
    assert sum("exponent of τ" in line for line in lines) == 12
    assert sum("ceiling" in line or "in c of" in line for line in lines) == 2
    assert "seeds 3, 4 of 2, 3, 4 solve it; expected 3 and 4" in text


def test_verdicts_of_data_that_do_not():
    good = made_up()
    wrong = Xor(good.xor.seeds, good.xor.epochs, good.xor.errors, np.array([True, True, False]))
    steep = Ends(TrainingTimes(RATES, 100 / np.broadcast_to(RATES, (8, 11))), good.laws["linear"].largest)
    text = table.table(Nonlinear(good.laws | {"square": steep}, good.ceilings, wrong, good.quality))
    failed = [line for line in text.splitlines() if line.startswith("FAIL")]
    assert any("square: exponent of τ in R from 100 to 1e+06" in line for line in failed)
    assert any("XOR" in line for line in failed)


@pytest.mark.parametrize("c", [4.0, 40.0])
def test_where_half_of_the_tasks_are_lost(c):
    found = table.half_lost(made_up(), "linear", c)
    assert 0.5 < found / (200 * c**2) < 2


def test_panels():
    figure = panels.draw(made_up())
    assert len(figure.axes) == 5
    assert len(figure.axes[0].lines) == 6           # four laws and two guides


def test_it_is_in_the_catalogue():
    assert ol.figures.entries()["nonlinear"].panels.keys() == set("abcde")
