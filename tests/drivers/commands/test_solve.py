"""`ohmlearn solve` on a network file."""
import numpy as np
import ohmlearn as ol
import pytest
import typer
from ohmlearn.drivers.commands import solve
from typer.testing import CliRunner

app = typer.Typer()
app.callback()(lambda: None)
solve.add_to(app)


@pytest.fixture
def ladder(tmp_path):
    """A file of three resistors in a row."""
    path = tmp_path / "ladder.csv"
    path.write_text("0,1\n1,2\n2,3\n")
    return path


def call(*arguments):
    return CliRunner().invoke(app, ["solve", *map(str, arguments)])


def test_voltages_are_printed_in_order(ladder):
    result = call(ladder, "--hold", "0=3", "--hold", "3=0")
    assert result.exit_code == 0
    np.testing.assert_allclose([float(x) for x in result.stdout.split()], [3, 2, 1, 0], atol=1e-12)
    assert "superlu" in result.stderr


def test_conductances_currents_and_output(ladder, tmp_path):
    np.savetxt(tmp_path / "g.txt", [1.0, 2.0, 4.0])
    result = call(ladder, "--hold", "0=0", "--inject", "3=4", "-g", tmp_path / "g.txt", "-o", tmp_path / "v.npy")
    assert result.exit_code == 0
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), [0, 4, 6, 7], atol=1e-12)


def test_conductances_in_the_network_file(ladder, tmp_path):
    ladder.write_text("0,1,1\n1,2,2\n2,3,4\n")
    drive = ("--hold", "0=0", "--inject", "3=4", "-o", tmp_path / "v.npy")
    assert call(ladder, *drive).exit_code == 0
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), [0, 4, 6, 7], atol=1e-12)
    np.savetxt(tmp_path / "g.txt", [4.0, 4.0, 4.0])
    assert call(ladder, *drive, "-g", tmp_path / "g.txt").exit_code == 0
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), [0, 1, 2, 3], atol=1e-12)


def test_held_drops(ladder):
    result = call(ladder, "--hold", "0=3", "--drop", "1:3=1")
    assert result.exit_code == 0
    np.testing.assert_allclose([float(x) for x in result.stdout.split()], [3, 3, 2.5, 2], atol=1e-12)
    result = call(ladder, "--hold", "0=0", "--drop", "0:2=1", "--inject", "3=1")
    np.testing.assert_allclose([float(x) for x in result.stdout.split()], [0, -0.5, -1, 0], atol=1e-12)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--hold", "0=1", "--drop", "1-2=1"], "--drop '1-2=1' is not NODE:NODE=VOLTS"),
    (["--hold", "0=1", "--hold", "1=1", "--drop", "0:1=1"], "drop held across nodes 0 and 1 follows from"),
    (["--drop", "0:1=1"], "node 0 floats"),
    (["--hold", "0"], "is not NODE=VOLTS"),
    (["--hold", "0=1", "--hold", "0=2"], "names node 0 twice"),
    (["--hold", "9=1"], "held node 9 is not in the network"),
    (["--hold", "0=1", "--inject", "7=1"], "injected node 7 is not in the network"),
    ([], "node 0 floats"),
])
def test_bad_input(ladder, arguments, message):
    result = call(ladder, *arguments)
    assert isinstance(result.exception, ValueError)
    assert message in str(result.exception)


def test_decks_with_diodes_and_transistors(tmp_path):
    """The operating point of the deck, at its own gate voltages and at those of a file."""
    path, gates = tmp_path / "follower.cir", tmp_path / "gates.txt"
    path.write_text("follower\nVd d 0 3\nVg g 0 2\nM1 d g out 0 n\nR1 out 0 10k\n"
                    ".model n nmos(vto=1 kp=1m rd=1 rs=1)\n")
    circuit = ol.read_spice(path)
    for values, more in ((circuit.values, ()), ([2.5, 1e-4], ("--conductances", gates))):
        np.savetxt(gates, values)
        result = call(path, *more)
        assert result.exit_code == 0, result.exception
        point = circuit.voltages(values)
        printed = dict(line.split() for line in result.stdout.splitlines())
        assert {name: float(v) for name, v in printed.items()} == pytest.approx(
            dict(point) | {"i(vd)": point.currents["vd"]})
        assert 0.5 < point["out"] < 1.5
    assert "1 transistors" in result.stderr
