"""`ohmlearn hessian` on files and stores."""
import numpy as np
import ohmlearn as ol
import pytest
import typer
from ohmlearn.drivers.commands import hessian
from typer.testing import CliRunner

NET = ol.Network.delaunay(24, seed=1, mean_degree=None, spacing=0.6)


def call(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    hessian.add_to(app)
    return CliRunner().invoke(app, ["hessian", *map(str, arguments)])


@pytest.fixture
def files(tmp_path):
    NET.write(tmp_path / "net.graphml")
    (tmp_path / "task.toml").write_text('drops = { "0-23" = 1.0 }\ntargets = { "4-17" = 1.5 }\n')
    return tmp_path / "net.graphml", tmp_path / "task.toml"


def test_facts_agree_with_the_library(files):
    result = call(files[0], "--task", files[1], "-k", "2")
    assert result.exit_code == 0, result.output
    h = ol.hessian(NET, ol.Task.read(files[1]), np.ones(NET.n_edges))
    assert f"satisfied     eigenvalues {h.satisfied_modes(1)[0][0]:.5g}" in result.output
    assert f"{h.stiff_modes(2)[0][1]:.5g}" in result.output
    assert f"ratio dynamic/satisfied {h.ratio:.4g}" in result.output
    assert "1.5 V desired, but the held voltages allow -1 to 1 V at any conductances" in result.output
    assert f"λ₁ = {ol.soft.soft_mode(NET, 1.0).eigenvalues[0]:.6g}" in result.output


def test_training_and_what_is_written(files, tmp_path):
    files[1].write_text('currents = { 0 = 1.0, 23 = -1.0 }\ntargets = { "4-17" = 0.8 }\n')
    result = call(files[0], "--task", files[1], "--train", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "trained       <Descent: reached" in result.output
    with np.load(tmp_path / "out" / "hessian.npz") as data:
        assert data["gradient"].shape == (1, NET.n_edges)
        assert abs(data["errors"][0]) < 1e-5
        assert data["soft_mode"].shape == (24,)
    assert (tmp_path / "out" / "hessian.png").stat().st_size > 10_000
    assert "stiff mode" in (tmp_path / "out" / "hessian.html").read_text()


def test_a_run_of_a_store(tmp_path):
    sweep = ol.Sweep.from_tables({"network": {"grid": {"shape": [4, 4]}},
                                  "tasks": {"allosteric": {"sources": 3, "targets": 1, "count": 1}},
                                  "sweep": {"rates": [1.0], "until": 1e-2, "t_max": 50.0}})
    sweep.run(tmp_path / "store", threads=1)
    result = call(tmp_path / "store", "--member", "0,1")
    assert result.exit_code == 0, result.output
    assert "16 nodes, 24 edges" in result.output
    for member, words in (("0,3", "the nearest is R=1"), ("7,1", "task 7 is not in the store"), ("x", "not TASK,RATE")):
        assert words in str(call(tmp_path / "store", "--member", member).exception)


def test_a_network_needs_a_task(files):
    assert "without a task" in str(call(files[0]).exception)
