"""Figs. 4 and 5, and the two floors: what they show is so, and what is off is seen."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made import made_run
from ohmlearn.drivers.figures.beyond import floors
from ohmlearn.drivers.figures.beyond.floors_table import verdicts as floor_verdicts
from ohmlearn.drivers.figures.catalogue import Settings
from ohmlearn.drivers.figures.paper1 import fig4, fig5
from PIL import Image


def starts(lines: list[str]) -> list[str]:
    return [line[:4] for line in lines if not line.startswith(" ")]


def test_fig4_is_what_it_says(tmp_path: Path) -> None:
    data = fig4.compute(fig4.Size())
    assert starts(fig4.verdicts(data)) == ["pass"] * 4
    off = replace(data, clamped=data.free, change=-data.change, power=data.power[::-1])
    assert starts(fig4.verdicts(off)) == ["FAIL", "FAIL", "FAIL", "pass"]
    picture, _, numbers = fig4.make(fig4.Size(), tmp_path, Settings())
    assert Image.open(picture).size == (1400, 1350)
    with np.load(numbers) as saved:
        np.testing.assert_allclose(saved["clamped"][saved["sources"]], saved["source_voltages"])


def test_fig5_out_of_equilibrium_nothing_overshoots(tmp_path: Path) -> None:
    size = fig5.Size(6, (0.1, 1e3, 1e5), (0.0, 0.01, 10.0))
    picture, text, traces, peaks = fig5.make(size, tmp_path, Settings(threads=1))
    assert text.read_text().count("\npass  ") == 4
    assert Image.open(picture).size == (1300, 1175)
    with np.load(traces) as saved:
        assert saved["R"].tolist() == [0.0, 0.01, 10.0]
        assert saved["cost_2"].max() < 1.001
    rows = np.genfromtxt(peaks, delimiter=",", names=True)
    assert rows["largest_cost"].max() < 1.001
    assert rows["largest_equilibrium_cost"][rows["R"] == 1e5].max() > 1.5


def test_fig5_sees_an_overshoot() -> None:
    found = fig5.Overshoot(np.array([1.0]), np.array([[1.2]]), np.array([[1.0]]))
    assert starts(fig5.verdicts(fig5.Fig5([made_run(1.0)], found))) == ["FAIL", "pass", "FAIL"]
    with pytest.raises(ValueError, match="one task at least, not 0"):
        fig5.Size(0, (1.0,))


def test_floors_differ_by_the_edges_that_are_cut(tmp_path: Path) -> None:
    size = floors.Size(5, (0.1, 1e3, 1e4, 1e5), (1.0, 100.0))
    network = Settings().make_network()
    data = floors.compute(network, size, 1)
    lines = floor_verdicts(data)
    assert starts(lines)[:4] == ["pass"] * 4
    assert data.over["relax"].middle("cut")[-1] < 0.01 < 0.1 < data.over["clip"].middle("cut")[-1]
    assert data.between.middle("cut")[1] == pytest.approx(data.over["clip"].middle("cut")[2], rel=0.5)
    swapped = replace(data, over={"relax": data.over["clip"], "clip": data.over["relax"]})
    assert "FAIL" in starts(floor_verdicts(swapped))
    picture, text, numbers = floors.save(data, tmp_path, "a title")
    assert Image.open(picture).size == (1750, 1150)
    assert text.read_text().startswith("a title\n")
    assert len(numbers.read_text().splitlines()) == 1 + 5 * (4 + 4 + 2)
