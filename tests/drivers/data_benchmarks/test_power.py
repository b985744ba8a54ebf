"""Power-efficient learning: a divider in closed form, power and energy by hand, and what counts for the slope."""
import csv

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers import cli
from ohmlearn.drivers.data_benchmarks import power
from ohmlearn.edges import IdealDiode, Linear, PerEdge
from ohmlearn.learn import Terminals, Update, train_on_data
from scipy.optimize import brentq

FIXED, WANTED, NUDGE, CLAMP = 0.5, 0.7, 0.1, 10.0
WEIGHTS = np.array([1e-3, 2e-3, 4e-3])


def at_rest(weight, rule):
    """Output v of a divider, G from 1 V to v and FIXED from v to 0 V, FIXED v = G (1 - v), where G changes no more."""
    def change(v):
        if rule == "gradient":      # dv/dG = (1 - v)² / FIXED, and the power FIXED v grows by (1 - v)² with G
            return -(WANTED - v) / FIXED + weight
        g = FIXED * v / (1 - v)
        clamped = (g + CLAMP * (v + NUDGE * (WANTED - v))) / (g + FIXED + CLAMP)
        return ((1 - clamped) ** 2 - (1 - v) ** 2) / NUDGE + weight * (1 - v) ** 2
    return brentq(change, 0.5, 0.71, xtol=1e-15)


@pytest.mark.slow       # compiles a combination of laws that no other test trains
@pytest.mark.parametrize("rule", ["gradient", "contrast"])
def test_a_divider_ends_where_its_balance_is(rule):
    network, laws = ol.Network(np.array([[0, 1], [1, 2]])), PerEdge([Linear(), IdealDiode(on=FIXED)], [0, 1])
    found = []
    for weight in WEIGHTS:
        update = Update(step=2.0, nudge=NUDGE, clamp=CLAMP, rule=rule, power=weight)
        learned = train_on_data(network, Terminals([0], [1], held={2: 0.0}), [[1.0]], [[WANTED]], edges=laws,
                                dynamics=update, epochs=600, every=600)
        v = learned.outputs([[1.0]])[0, 0, 0]
        assert abs(v - at_rest(weight, rule)) < 1e-9
        assert abs(learned.power([[1.0]])[0] - FIXED * v) < 1e-9
        found.append((WANTED - v) ** 2)
    assert abs(power.fitted(WEIGHTS, np.array(found)) - 2) < 0.01
    if rule == "gradient":
        np.testing.assert_allclose(found, (FIXED * WEIGHTS) ** 2, rtol=1e-5)


def dissipated(samples, g):
    """Mean of Σ G Δv² over samples, by dense algebra."""
    n, (a, b) = samples.network.n_nodes, samples.network.edges.T
    incidence = np.zeros((len(a), n))
    incidence[np.arange(len(a)), a], incidence[np.arange(len(a)), b] = 1.0, -1.0
    laplacian = incidence.T @ (g[:, None] * incidence)
    held = [*samples.terminals.inputs, *samples.terminals.held]
    free = np.setdiff1d(np.arange(n), held)
    found = []
    for x in samples.X:
        v = np.zeros(n)
        v[held] = [*x, 0.0]
        v[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, held)] @ v[held])
        found.append(g @ (incidence @ v) ** 2)
    return np.mean(found)


def test_energy_is_power_times_time():
    samples = power.drawn(3)
    found = power.trained(samples, 0.0, 1)
    begin = dissipated(samples, np.ones(samples.network.n_edges))
    # One update from eight samples, each for 1/γp in two networks, by the trapezium of the power before and after.
    assert abs(found.energy - 2 * 8 * (begin + found.power) / 2) < 1e-9 * found.energy
    assert 0 < abs(found.power / begin - 1) < 0.2
    # With constant power an energy is proportional to the number of updates.
    longer = power.trained(samples, 0.0, 300)
    low, high = sorted([begin, longer.power])
    assert 0.99 * 16 * 300 * low < longer.energy < 1.01 * 16 * 300 * high


def test_penalties_save_power_and_cost_accuracy():
    samples = power.drawn(1)
    free, little, much = (power.trained(samples, weight, 400) for weight in (0.0, 1e-4, 1e-3))
    assert free.error < little.error < much.error
    assert free.power > little.power > much.power
    assert free.energy > little.energy > much.energy
    start = power.trained(samples, 0.0, 1)
    assert free.error < 1e-3 * start.error


def test_slopes_are_of_errors_that_the_penalty_decides():
    weights = np.r_[0.0, 10.0 ** np.arange(-6, 0)]
    errors = np.r_[1e-13, 1e-12 + 0.3 * weights[1:] ** 2]
    errors[-2:] *= 50
    powers = np.array([1.0, 1.0, 1.0, 0.99, 0.9, 0.6, 0.2])
    assert abs(power.slope(weights, errors, powers) - 2) < 0.02
    assert abs(power.fitted(weights[1:], errors[1:]) - 2) > 0.2
    assert np.isnan(power.slope(weights, np.full(7, 1e-3), powers))


def test_rows_are_printed_and_written(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["benchmark", "power", "--epochs", "2", "--seeds", "1", "-o", str(tmp_path / "rows.csv")])
    assert ended.value.code == 0
    rows = list(csv.DictReader((tmp_path / "rows.csv").read_text().splitlines()))
    assert rows[0]["measured"] == "–"       # nothing has come to rest
    assert rows[0]["what"] == "power: slope of the error on λ, 0 of 1 tasks"
    assert sum("median error" in row["what"] for row in rows) == len(power.WEIGHTS)
    assert rows[-1]["what"] in capsys.readouterr().out


def test_joules_are_those_of_the_laboratory():
    # 1 V over 10 kΩ for 10 kΩ 22 µF = 0.22 s.
    assert power.in_joules(1.0) == "2.2e-05 J for 10 kΩ, 22 µF and 1 V"


@pytest.mark.slow
def test_the_error_grows_as_the_square_of_the_weight():
    rows = power.power(tasks=4)
    mean = float(rows[0].measured.split()[0])
    assert abs(mean - 2) < 0.2
