"""Fig. 1: the lab's laws hold, its table judges as it says, and the commands run."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ohmlearn.drivers.cli import main
from ohmlearn.drivers.figures.catalogue import SIZES
from ohmlearn.drivers.figures.paper1 import fig1
from ohmlearn.drivers.figures.paper1.fig1 import CAPACITANCES, LEARNING_RATES, Size, settings
from ohmlearn.drivers.figures.paper1.fig1_data import LabSweep
from ohmlearn.drivers.figures.paper1.fig1_table import table, verdicts
from ohmlearn.lab.circuit import lab_network, lab_task
from PIL import Image


@pytest.fixture(scope="module")
def found() -> LabSweep:
    """Panels e and f."""
    board = lab_network()
    tasks = [lab_task(board, seed) for seed in range(fig1.USUAL.tasks)]
    return fig1.sweep(board, tasks, *settings(), fig1.AS_BUILT, fig1.USUAL.steps)


def starts(data: LabSweep) -> list[str]:
    return [line[:4] for line in verdicts(data)]


def test_the_laws_of_the_paper(found: LabSweep) -> None:
    """τ ~ R^-1 up to R = 0.1 and R^-1/2 from 1 to 100 over 48 tasks; an error floor of 1e-3 to 2e-4."""
    assert np.isfinite(found.steps).mean() > 0.95
    assert starts(found)[:7] == ["pass"] * 7


def test_errors_are_wider_but_not_higher_at_fast_learning(found: LabSweep) -> None:
    """Fig. 1e: the distribution widens as in the paper; oscillations that last, which would raise it, need a delay."""
    assert starts(found)[7:] == ["pass", "FAIL"]
    late = replace(fig1.AS_BUILT, delay=3)
    board = lab_network()
    tasks = [lab_task(board, seed) for seed in range(24)]
    rates = np.array([0.01, 0.1, 10.0, 31.6])
    lasting = fig1.sweep(board, tasks, rates, np.full(4, 22e-6), late, fig1.USUAL.steps)
    floors = lasting.floors.mean(axis=0)
    assert min(floors[2:]) > 1.5 * max(floors[:2])
    assert min(floors) > 3 * found.floors.mean()
    fine = fig1.sweep(board, tasks, rates[:2], np.full(2, 22e-6), replace(fig1.AS_BUILT, discrete=False, step=0.25),
                      fig1.USUAL.steps)
    slow = found.floors[:, found.rate <= 0.1].mean()
    assert slow / fine.floors.mean() == pytest.approx(16, rel=0.4)      # the floor of slow learning is one tap, squared


def test_settings_are_what_capacitors_and_rates_allow() -> None:
    rates, capacitances = settings()
    assert set(capacitances) == set(CAPACITANCES)
    assert np.all(np.diff(rates) >= 0)
    assert (rates.min(), rates.max()) == (0.001, 100.0)
    gamma = rates / (1e4 * capacitances)
    assert gamma.min() >= LEARNING_RATES[0]
    assert gamma.max() <= LEARNING_RATES[1]


def test_capacitors_that_share_an_r_agree(found: LabSweep) -> None:
    """Same R, other capacitor, other noise: the same physics."""
    for rate in np.unique(found.rate):
        at = np.flatnonzero(found.rate == rate)
        medians = np.median(found.steps[:, at], axis=0)
        np.testing.assert_allclose(medians, medians.mean(), rtol=0.1)


def test_what_is_off_fails(found: LabSweep) -> None:
    alike = replace(found, steps=np.ones((48, 1)) * np.nanmedian(found.steps, axis=0))
    assert starts(replace(alike, steps=alike.steps * alike.rate**0.5))[:2] == ["FAIL", "FAIL"]
    assert starts(replace(found, floors=np.full_like(found.floors, 2e-3)))[2] == "FAIL"
    assert starts(replace(found, floors=np.full_like(found.floors, 1e-4)))[2] == "FAIL"
    assert starts(replace(found, steps=5 * found.steps))[3:7] == ["FAIL"] * 4
    assert starts(replace(found, steps=np.full_like(found.steps, np.nan)))[1:5] == ["FAIL"] * 4
    assert starts(replace(found, widths=-found.widths))[7] == "FAIL"
    assert starts(replace(found, floors=1 / found.floors))[8] == "pass"


def test_the_command_makes_picture_table_and_data(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fig1, "FIGURE", replace(fig1.FIGURE, sizes=dict.fromkeys(SIZES, Size(3, 300))))
    with pytest.raises(SystemExit) as ended:
        main(["figure", "fig1", "--output", str(tmp_path)])
    assert ended.value.code == 0
    text = (tmp_path / "fig1.txt").read_text()
    assert text.strip() in capsys.readouterr().out
    assert "Eq. 6 as printed                                     0/3" in text
    assert Image.open(tmp_path / "fig1.png").size == (1750, 1750)
    with np.load(tmp_path / "fig1bcd_traces.npz") as traces:
        assert traces["cost"].shape == traces["seconds"].shape == (5, 301)
        assert np.all(traces["cost"][:, 0] == 1)
        assert len(traces["edges"]) == 16
    rows = np.genfromtxt(tmp_path / "fig1ef_circuits.csv", delimiter=",", names=True)
    assert len(rows) == 3 * len(settings()[0])
    assert len((tmp_path / "fig1gh_variants.csv").read_text().splitlines()) == 1 + len(fig1.VARIANTS) * 7
    np.testing.assert_allclose(rows["R"], 1e4 * rows["capacitance"] * rows["learning_rate"], rtol=1e-6)


def test_panels_show_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    from ohmlearn.drivers.figures.paper1.fig1_panels import draw

    monkeypatch.setattr(fig1, "VARIANTS", {"as built": fig1.AS_BUILT})
    data = fig1.compute(Size(2, 200))
    b, c, d, e, f = draw(data).axes[:5]
    assert {text.get_text() for text in b.texts} >= {"0 V", "5 V"}
    for ax, x in ((c, np.arange(1, 201)), (d, data.traces[0].seconds[1:])):
        np.testing.assert_allclose(ax.lines[0].get_xdata(), x)
        np.testing.assert_allclose(ax.lines[0].get_ydata(), data.traces[0].cost[1:])
    n = len(data.sweep.rate)
    bars, marks = e.lines[0:2 * n:2], e.lines[1:2 * n:2]
    np.testing.assert_allclose([mark.get_ydata()[0] for mark in marks], data.sweep.floors.mean(axis=0))
    np.testing.assert_allclose([bar.get_ydata() for bar in bars], data.sweep.quartiles[[0, 2]].T)
    assert len({mark.get_marker() for mark in marks}) == 4
    assert sum(mark.get_markerfacecolor() == "white" for mark in marks) == len(data.traces)
    guides = [np.polyfit(np.log(line.get_xdata()), np.log(line.get_ydata()), 1)[0] for line in f.lines[-2:]]
    np.testing.assert_allclose(guides, [-1, -0.5])
    assert "One difference at a time" in table(data)


def test_bad_size() -> None:
    with pytest.raises(ValueError, match="not 0 and 3000"):
        Size(0)


def test_the_lab_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "lab.npz"
    with pytest.raises(SystemExit) as ended:
        main(["lab", "--rate", "0.1", "--rate", "10", "--tasks", "3", "--steps", "200", "--output", str(saved)])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["0.1", "10"]
    with np.load(saved) as data:
        assert data["cost"].shape == (6, 201)
        assert data["taps"].shape == (6, 16)


@pytest.mark.parametrize(("arguments", "words"), [
    (["lab", "--comparators", "eq7"], "comparators must be one of eq5, earlier, eq6, not 'eq7'"),
    (["lab", "--rate", "-1"], "rate must be finite and > 0"),
    (["lab", "--rate", "1", "--learning-rate", "1"], "exclude each other"),
    (["figure", "fig1", "--quick", "--full"], "exclude each other"),
])
def test_bad_commands(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
