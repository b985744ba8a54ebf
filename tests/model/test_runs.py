"""The runs of an ensemble as one object: indices, labels, statistics, tables."""
import numpy as np
import ohmlearn as ol
import pytest

NET = ol.Network.grid(4, 4)
TASKS = {"up": ol.Task({0: 1.0, 15: 0.0}, {6: 0.7}), "down": ol.Task({0: 1.0, 15: 0.0}, {6: 0.4}),
         "no": ol.Task({0: 1.0, 15: 0.0}, {6: 1.4})}
RATES = [0.0, 0.5]


@pytest.fixture(scope="module")
def grid():
    return ol.train(NET, TASKS, RATES, until=1e-2, t_max=200.0, grid=True, record=ol.Record(per_decade=2))


def test_a_grid_is_every_task_at_every_rate(grid):
    assert (grid.shape, grid.dims, grid.labels) == ((3, 2), ("task", "rate"), {"task": ["up", "down", "no"]})
    for i, task in enumerate(TASKS.values()):
        for j, rate in enumerate(RATES):
            alone = ol.train(NET, task, rate, until=1e-2, t_max=200.0, record=ol.Record(per_decade=2))
            np.testing.assert_array_equal(grid[i, j].conductances, alone.conductances)
            assert grid[i, j].rate == rate
    assert grid.conductances.shape == (3, 2, NET.n_edges)
    assert repr(grid) == f"<3×2 runs: 4 reached, {np.sum(grid.status == 'out of time')} out of time>"


def test_indices_are_those_of_numpy(grid):
    time = grid.training_time
    np.testing.assert_array_equal(grid[1].training_time, time[1])
    assert grid[1].dims == ("rate",)
    np.testing.assert_array_equal(grid[:, 1].training_time, time[:, 1])
    assert (grid[:, 1].dims, grid[1:, 1].labels) == (("task",), {"task": ["down", "no"]})
    np.testing.assert_array_equal(grid[grid.rate > 0].training_time, time[grid.rate > 0])
    np.testing.assert_array_equal(grid[[2, 0]].training_time, time[[2, 0]].ravel())
    assert grid["no", 0] is grid[2, 0]
    assert [len(row) for row in grid] == [2, 2, 2]
    flat = ol.Runs(grid.flat)
    assert flat[-1] is grid[2, 1]
    assert [run.rate for run in flat] == RATES * 3
    with pytest.raises(KeyError, match="no task is called 'sideways'; there are 'up', 'down', 'no'"):
        grid["sideways"]
    with pytest.raises(IndexError, match="3 indices for runs along task and rate"):
        grid[0, 0, 0]


def test_statistics_count_what_was_never_reached_as_longest(grid):
    time = grid.training_time
    assert np.isnan(time[2]).all()
    np.testing.assert_array_equal(grid.median("task"), np.max(time[:2], axis=0))     # the middle one of three
    assert np.isnan(grid.quantile(0.9, "task")).all()
    np.testing.assert_allclose(grid[:2].median("task"), np.median(time[:2], axis=0))
    np.testing.assert_allclose(grid[:2].quantile(0.3, "task"), np.quantile(time[:2], 0.3, axis=0))
    np.testing.assert_allclose(grid.mean("rate", of="final_cost"), grid.final_cost.mean(axis=1))
    np.testing.assert_allclose(grid.fraction(over="task"), [2 / 3, 2 / 3])
    for call, words in ((lambda: grid.median("run"), "no axis 'run'; they lie along task and rate"),
                        (lambda: grid.fraction("done", "task"), "status must be one of reached"),
                        (lambda: grid.quantile(2.0, "task"), "between 0 and 1")):
        with pytest.raises(ValueError, match=words):
            call()


def test_labels_without_a_grid():
    runs = ol.train(NET, TASKS, 0.0, until=1e-2, t_max=50.0)
    assert runs.dims == ("task",)
    assert runs["down"] is runs[1]


def test_the_noise_of_a_rule_stays_what_it_was_at_many_rates():
    rule = ol.Rule(noise=1e-3, seed=3)
    both = ol.train(NET, TASKS["up"], [0.5, 1.0], until=None, t_max=2.0, rule=rule)
    grid = ol.train(NET, [TASKS["up"]], [0.5, 1.0], until=None, t_max=2.0, rule=rule, grid=True)
    np.testing.assert_array_equal(both.conductances, grid.conductances[0])


def test_tables(grid):
    data = grid.to_xarray()
    assert data["conductances"].dims == ("task", "rate", "edge")
    np.testing.assert_array_equal(data["conductances"].sel(task="down", rate=0.5), grid["down", 1].conductances)
    assert data["training_time"].attrs["units"] == "1/γp"
    assert data["end_time"].sel(task="up", rate=0.0) == grid["up", 0].time
    length = grid["up", 0].times.size
    np.testing.assert_array_equal(data["cost"].sel(task="up", rate=0.0)[:length], grid["up", 0].cost)
    assert np.isnan(data["cost"].sel(task="up", rate=0.0)[length:]).all()
    table = grid.to_dataframe()
    assert table.loc[("down", 0.5), "status"] == grid["down", 1].status
    assert len(ol.Runs(grid.flat).to_dataframe()) == 6
    assert grid["up", 0].to_xarray()["voltages"].dims == ("node",)


def test_netcdf_keeps_the_numbers(grid, tmp_path):
    import xarray

    grid.to_xarray().to_netcdf(tmp_path / "runs.nc")
    with xarray.open_dataset(tmp_path / "runs.nc") as data:
        np.testing.assert_array_equal(data["conductances"], grid.conductances)
        assert data["training_time"].attrs["units"] == "1/γp"


def test_notebooks_show_tables(grid):
    assert "<td>reached</td>" in grid._repr_html_()
    assert "<td>down</td>" in grid._repr_html_()
    assert "training time" in grid["up", 0]._repr_html_()
    assert "and 70 more" in ol.Runs([grid["up", 0]] * 100)._repr_html_()
    assert "<td>24</td>" in NET._repr_html_()
    named = ol.Network(NET.edges, name="<b>")
    assert "&lt;b&gt;" in named._repr_html_()


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: ol.train(NET, TASKS["up"], 1.0, rule="clip"), TypeError,
     r"such as Rule\(floor_mode='clip'\), .* not 'clip'"),
    (lambda: ol.train(NET, TASKS["up"], 1.0, schedule=0.1), TypeError, "schedule must be an ohmlearn.Schedule"),
    (lambda: ol.train(TASKS["up"], NET, 1.0), TypeError, "network must be an ohmlearn.Network"),
    (lambda: ol.train(NET, [TASKS["up"]] * 2, [1.0] * 3), ValueError,
     "2 tasks and 3 rates do not go together: .* grid=True"),
    (lambda: ol.train(NET, [TASKS["up"]], [[1.0], [2.0]], grid=True), ValueError, "rates of a grid are one list"),
    (lambda: ol.Network.grid((4, 4)), TypeError, r"one by one as in grid\(4, 4\), not \(4, 4\)"),
    (lambda: ol.Task({0: 1.0, 15: 0.0}, [0.5], {6: 0.7}), ValueError, "leave source_voltages out"),
    (lambda: ol.Task([0, 15], {6: 0.7}), TypeError, r"Task\({node: voltage}, {target: voltage}\)"),
])
def test_wrong_calls_name_the_remedy(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_run_does_wherever_conductances_do(grid):
    run, task = grid["up", 0], TASKS["up"]
    np.testing.assert_array_equal(ol.voltages(NET, task, run), ol.voltages(NET, task, run.conductances))
    assert ol.hessian(NET, task, run).cost == ol.hessian(NET, task, run.conductances).cost
    assert NET.to_spice(task, run) == NET.to_spice(task, run.conductances)
    np.testing.assert_array_equal(ol.modes(NET, run).eigenvalues, ol.modes(NET, run.conductances).eigenvalues)
