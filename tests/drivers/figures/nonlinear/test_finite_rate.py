"""Digits at a finite rate, small: the figure, its text and its data."""
import numpy as np
import pytest
from ohmlearn.drivers.figures.catalogue import Settings, verdicts
from ohmlearn.drivers.figures.nonlinear import finite_rate

SMALL = finite_rate.Size(40, 3, 2, (0.1, 10.0), (0.5, 2.0))


def test_the_figure_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(finite_rate, "LAWS", {"transistors": finite_rate.LAWS["transistors"]})
    written = finite_rate.make(SMALL, tmp_path, Settings(threads=2))
    assert [path.name for path in written] == ["finite-rate.png", "finite-rate.txt", "finite-rate.csv"]
    assert written[0].stat().st_size > 20_000
    assert len(verdicts(written[1].read_text())) == 1
    data = np.genfromtxt(written[2], delimiter=",", names=True, dtype=None, encoding=None)
    assert data.size == (2 * 2 - 1) * 2         # R = 10 at σ = 0.5 is left out
    assert np.all((data["accuracy"] >= 0.05) & (data["accuracy"] <= 1))
    epochs = data["time"] * data["switching"] / 40
    assert np.all(epochs == np.round(epochs))
    assert np.all(epochs <= 3 * np.maximum(1, data["switching"]))


def test_a_rail_conducts_one_at_the_start():
    case = finite_rate.LAWS["transistors"]
    gates = np.random.default_rng(0).uniform(*case.begin, 100_000)
    assert abs(64 * case.law.gain * np.maximum(gates - case.law.threshold, 0).mean() - 1) < 0.01
    assert np.isclose(64 * np.mean(finite_rate.LAWS["resistors"].begin), 1)


def test_bad_sizes_are_said():
    with pytest.raises(ValueError, match="20 to 800 images"):
        finite_rate.Size(2000, 1, 2, (1.0,), (1.0,))
    with pytest.raises(ValueError, match="R and σ"):
        finite_rate.Size(100, 1, 2, (), (1.0,))
