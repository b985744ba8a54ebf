"""The figures of paper 2, small: verdicts, files, and the pieces that judge."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.figures.paper2 import fig1, fig2, fig_s1, landscape, measured_responses

MAKERS = {
    "landscape1": lambda out: fig1.make(fig1.Size(6), out, 1),
    "landscape2": lambda out: fig2.make(fig2.Size(4), out, 1),
    "landscapeS1": lambda out: fig_s1.make(fig_s1.Size(12, 8, 1, 5), out, 1),
    "landscape_responses": lambda out: measured_responses.make(measured_responses.Size(3), out, 1),
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for module in (fig1, fig2, fig_s1, measured_responses):
        monkeypatch.setattr(module, "N_NODES", 36)
    monkeypatch.setattr(measured_responses, "COUNTS", np.array([8, 35]))


@pytest.mark.parametrize("name", MAKERS)
def test_picture_verdicts_and_data_are_written(name, tmp_path):
    written = MAKERS[name](tmp_path)
    assert [path.name for path in written] == [f"{name}.png", f"{name}.txt", f"{name}.csv"]
    assert written[0].stat().st_size > 20_000
    lines = written[1].read_text().splitlines()
    assert sum(line.startswith(("pass", "open", "FAIL")) for line in lines) >= 2
    data = np.genfromtxt(written[2], delimiter=",", names=True)
    assert len(data) >= 3
    assert all(np.isfinite(data[column]).all() for column in data.dtype.names)


def test_problems_are_as_described():
    for seed in range(4):
        problem = landscape.problem(seed, 36, "current", (2.0, 200.0), log=True)
        assert 2 <= problem.target <= 200
        assert np.all((problem.conductances > 0.5) & (problem.conductances < 1.5))
        (a, b), (c, d) = sorted(problem.task.currents), problem.task.targets[0]
        places = problem.network.positions
        assert min(np.linalg.norm(places[a] - places[b]), np.linalg.norm(places[c] - places[d])) > 0.35
        output = ol.hessian(problem.network, problem.task, problem.conductances).errors[0] + problem.target
        assert output > 0
        again = landscape.problem(seed, 36, "current", (2.0, 200.0), log=True)
        assert np.array_equal(again.conductances, problem.conductances)


def test_scaled_law_on_a_few_networks():
    data = fig_s1.ensemble(12, 1)
    assert data.reached.all()
    assert abs(landscape.slope(data.soft, data.scaled)[0] + 4) < 0.15
    assert np.median(data.overlap) > 0.99


def test_crossing_and_slope():
    cost = 10.0**-np.arange(6)
    assert np.isclose(fig2.crossing(cost, 20 * np.sqrt(cost)), 1 / 400)
    assert np.isnan(fig2.crossing(cost, np.sqrt(cost) / 2))
    slope, error = landscape.slope(cost, 3 * cost**2)
    assert np.isclose(slope, 2)
    assert error < 1e-6
