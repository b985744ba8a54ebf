"""Drawing: what is on the axes, read back from them."""
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made import NONE, made_run
from matplotlib.figure import Figure
from ohmlearn.drivers.analysis.published import FINAL_COST, TRAINING_TIME
from ohmlearn.drivers.analysis.training_times import TrainingTimes
from ohmlearn.drivers.display.plots import plot_runs, rate_colors
from ohmlearn.drivers.figures.paper1.fig2_panels import Fig2, FinalCosts, draw
from ohmlearn.run import Runs


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_single_run_shows_both_costs() -> None:
    run = made_run(10.0)
    ax = run.plot()
    equilibrium, cost = ax.lines
    np.testing.assert_allclose(equilibrium.get_xdata(), [*run.training_steps[1:], 10 * run.time])
    np.testing.assert_allclose(equilibrium.get_ydata(), [*run.equilibrium_cost[1:], run.final_cost])
    np.testing.assert_allclose(cost.get_ydata(), run.cost[1:])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["$C^*$, at equilibrium",
                                                                        "$C$, out of equilibrium"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_against_time() -> None:
    run = made_run(10.0)
    np.testing.assert_allclose(run.plot(against="time").lines[0].get_xdata(), [*run.times[1:], run.time])


def test_runs_are_told_apart_by_rate_on_axes_that_were_given() -> None:
    figure = Figure()
    ax = figure.subplots()
    runs = Runs([made_run(rate) for rate in (0.0, 0.1, 10.0, 10.0)])
    assert runs.plot(ax) is ax
    colors = [line.get_color() for line in ax.lines]
    assert colors[0] == "black"
    assert ax.lines[0].get_linestyle() == ":"
    assert colors[1] != colors[2] == colors[3]
    assert len(figure.axes) == 2
    assert figure.axes[1].get_ylim() == pytest.approx((0.1, 10))


def test_quasistatic_runs_have_no_time() -> None:
    assert len(plot_runs([made_run(0.0), made_run(1.0)], against="time").lines) == 1
    with pytest.raises(ValueError, match="no time in 1/γp; plot them against='steps'"):
        plot_runs([made_run(0.0)], against="time")


def test_colors_run_with_the_logarithm_of_the_rate() -> None:
    scale = rate_colors([0, 1e-2, 1e4])
    assert scale.norm(10.0) == pytest.approx(0.5)
    light = [np.dot(scale.to_rgba(rate)[:3], [0.3, 0.59, 0.11]) for rate in np.logspace(-2, 4, 13)]
    assert np.all(np.diff(light) > 0)
    assert light[-1] < 0.8


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="no runs"):
        plot_runs([])
    with pytest.raises(ValueError, match="'steps' or 'time', not 'stesp'"):
        made_run(1.0).plot(against="stesp")
    with pytest.raises(ValueError, match=r"1 of 2 runs hold no trace.*R=3; train them with record="):
        plot_runs([made_run(1.0), replace(made_run(3.0), times=NONE)])


def test_fig2_shows_its_data() -> None:
    rates = np.logspace(-1, 3, 5)
    times = TrainingTimes(rates, np.outer([1.0, 2.0, 6.0], 1 / rates))
    costs = FinalCosts(rates, np.outer([1e-12, 1e-10, 1e-8], np.ones(5)))
    runs = [made_run(rate) for rate in (0.0, *rates)]
    figure = draw(Fig2(runs, {"one": costs, "two": costs}, times))
    a, b, c, d = figure.axes[:4]
    assert [ax.get_title(loc="left") for ax in (a, b, c, d)] == ["a", "b", "c", "d"]
    assert len(a.lines) == 1 + len(runs)
    assert len(b.lines) == len(runs)
    drawn = [np.column_stack(line.get_data()) for line in (*c.lines, *d.lines)]

    def shows(x: np.ndarray, y: np.ndarray) -> bool:
        points = np.column_stack([x, y])
        return any(line.shape == points.shape and np.allclose(line, points, rtol=1e-6) for line in drawn)

    assert shows(rates, 3 / rates)
    assert shows(rates, 2 / rates)
    assert shows(rates, np.full(5, 1e-10))
    assert shows(TRAINING_TIME["rate"], TRAINING_TIME["mean"])
    assert shows(FINAL_COST["rate"], FINAL_COST["geometric_mean"])
    assert figure.canvas.get_supported_filetypes()


def test_final_costs() -> None:
    data = FinalCosts(np.array([1.0, 2.0]), np.array([[1e-2, 0.0], [1e-4, np.nan], [1e-6, 1e-30]]))
    np.testing.assert_allclose(data.geometric_mean, [1e-4, 1e-31])
    np.testing.assert_allclose(data.quartiles[:, 0], [0.5 * (1e-6 + 1e-4), 0.5 * (1e-4 + 1e-2)])
    with pytest.raises(ValueError, match="n_tasks, n_rates"):
        FinalCosts(np.array([1.0]), np.ones((2, 2)))
