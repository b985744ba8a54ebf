"""Equilibrium of networks in stores: from Python, and by the commands, alone and on ranks."""
from pathlib import Path

import numpy as np
import pytest
import typer
from ohmlearn import Equilibrium, Network, distributed
from ohmlearn.drivers.commands import resistances, solve
from rank_jobs import on_ranks, run_here
from sweeps import needs_mpi
from typer.testing import CliRunner

pytestmark = needs_mpi
app = typer.Typer()
solve.add_to(app)
resistances.add_to(app)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A network in a store of seven blocks, and the same in memory."""
    path = tmp_path_factory.mktemp("store") / "net.zarr"
    network = Network.delaunay(1300, seed=6)
    g = np.random.default_rng(2).uniform(0.1, 10.0, network.n_edges)
    return path, distributed.store_network(path, network, g, block=200).network()


def solved(comm, path, into):
    stored = distributed.open_network(path)
    circuit = distributed.StoredEquilibrium(stored, held=[0, 1299])
    circuit.save(into, circuit.solve(None, [1.0, 0.0]))
    engine = Equilibrium(stored, [5], rtol=1e-9)
    current = np.where(engine.nodes == 700, 1.0, 0.0) - np.where(engine.nodes == 3, 1.0, 0.0)
    assert isinstance(engine, distributed.StoredEquilibrium) == (comm.size > 1)
    return engine.nodes, engine.solve(currents=current), engine.effective_resistance([(3, 700)])


def test_from_python_on_ranks(store, tmp_path):
    path, network = store
    by_rank = on_ranks(3, solved, str(path), str(tmp_path / "v.zarr"))
    found = distributed.open_voltages(tmp_path / "v.zarr")
    assert (found.n_blocks, found.method, found.error < 1e-9) == (7, "approximate-cholesky", True)
    expected = Equilibrium(network, [0, 1299]).solve(None, [1.0, 0.0])
    np.testing.assert_allclose(found.whole(), expected, atol=1e-9)
    np.testing.assert_array_equal(found[6], found.whole()[1200:])
    with pytest.raises(IndexError, match="blocks run from 0 to 6"):
        found[7]
    into = np.zeros(1300)
    into[[700, 3]] = 1.0, -1.0
    one = Equilibrium(network, [5])
    for nodes, v, resistance in by_rank:
        np.testing.assert_allclose(v, one.solve(None, currents=into)[nodes], atol=1e-8)
        np.testing.assert_allclose(resistance, one.effective_resistance([(3, 700)]), rtol=1e-8)


def test_one_process_takes_the_network_into_memory(store):
    path, network = store
    circuit = Equilibrium(distributed.open_network(path), held=[0, 1299])
    assert type(circuit) is Equilibrium
    v = circuit.solve(held_voltages=[1.0, 0.0])
    np.testing.assert_allclose(v, Equilibrium(network, [0, 1299]).solve(None, [1.0, 0.0]), atol=1e-12)


@pytest.mark.parametrize("ranks", [None, 2])
def test_commands(store, tmp_path, ranks):
    path, network = store
    output = tmp_path / "v.zarr"
    done = run_here("solve", path, "--hold", "0=1", "--hold", "1299=0", "--inject", "40=2", "-o", output, ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("# <StoredNetwork") == 1
    assert f"over {ranks or 1} rank" in done.stderr
    into = np.zeros(1300)
    into[40] = 2.0
    expected = Equilibrium(network, [0, 1299]).solve(None, [1.0, 0.0], into)
    np.testing.assert_allclose(distributed.open_voltages(output).whole(), expected, atol=1e-9)
    (tmp_path / "pairs.txt").write_text("3 700\n5, 5\n")
    done = run_here("resistances", path, "--pairs", tmp_path / "pairs.txt", ranks=ranks)
    assert done.returncode == 0, done.stderr
    first, second = (line.split() for line in done.stdout.splitlines())
    assert (first[:2], second) == (["3", "700"], ["5", "5", "0"])
    expected = Equilibrium(network, [0]).effective_resistance([(3, 700)])[0]
    np.testing.assert_allclose(float(first[2]), expected, rtol=1e-8)


def test_commands_say_what_is_wrong_before_they_start(store):
    for words, text in ((["--hold", "0=1"], "its voltages go into one: say --output NAME.zarr"),
                        (["--hold", "a=1", "-o", "v.zarr"], "held node 'a' is no number")):
        result = CliRunner().invoke(app, ["solve", str(store[0]), *words])
        assert text in str(result.exception)
    result = CliRunner().invoke(app, ["resistances", str(store[0])])
    assert "takes a solve for each pair: say --pairs FILE" in str(result.exception)


@pytest.mark.parametrize(("ranks", "words", "text"), [
    (None, ("--hold", "0=1", "--drop", "0:1=1", "-o", "v.zarr"), "--drop is not for networks in a store"),
    (2, ("--hold", "1300=1", "-o", "v.zarr"), "held node 1300 is not in the network"),
    (2, ("--hold", "4=1", "--hold", "5=0", "--rtol", "1e-18", "-o", "v.zarr"), "over 2 ranks stopped where voltages"),
    (2, ("--inject", "4=1", "-o", "v.zarr"), "currents must add up to 0")])
def test_commands_tell_once_what_is_wrong(store, tmp_path, ranks, words, text):
    done = run_here("solve", store[0], *words, ranks=ranks, cwd=tmp_path)
    assert done.returncode == (1 if "--rtol" in words else 2)
    assert done.stderr.count("ohmlearn: ") == 1
    assert text in done.stderr
    assert list(Path(tmp_path).iterdir()) == []
