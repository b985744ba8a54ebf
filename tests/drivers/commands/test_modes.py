"""`ohmlearn modes` and `ohmlearn info NETWORK` on a network file."""
import numpy as np
import pytest
import typer
from ohmlearn.drivers.commands import info, modes
from typer.testing import CliRunner

app = typer.Typer()
app.callback()(lambda: None)
modes.add_to(app)
info.add_to(app)


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / "chain.csv"
    path.write_text("".join(f"{i},{i + 1}\n" for i in range(19)))
    return str(path)


def test_modes_are_printed_and_written(chain, tmp_path):
    result = CliRunner().invoke(app, ["modes", chain, "-k", "3", "-o", str(tmp_path / "modes.npz")])
    assert result.exit_code == 0, result.exception
    wanted = 4 * np.sin(np.pi * np.arange(1, 4) / 40) ** 2
    printed = [float(line.split()[1]) for line in result.stdout.splitlines() if line.split()[0].isdigit()]
    np.testing.assert_allclose(printed, wanted, rtol=1e-10)
    assert "dense (20 free nodes" in result.stderr
    with np.load(tmp_path / "modes.npz") as saved:
        assert saved["modes"].shape == (20, 3)


def test_held_ends(chain):
    result = CliRunner().invoke(app, ["modes", chain, "-k", "1", "--hold", "0", "--hold", "19"])
    assert result.exit_code == 0
    assert float(result.stdout.splitlines()[-1].split()[1]) == pytest.approx(4 * np.sin(np.pi / 38) ** 2)


def test_info_of_a_network(chain):
    result = CliRunner().invoke(app, ["info", chain])
    assert result.exit_code == 0
    assert "lanes: 20 nodes" in result.stdout
    assert "one solve" in result.stdout
