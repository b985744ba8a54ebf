"""Two tasks in turn, small: pairs, the figure, and that slow switching of slow learning is learning the mean."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.figures.beyond import switching
from ohmlearn.drivers.figures.catalogue import Settings, verdicts

SMALL = Settings({"packing": {"n_nodes": 24, "seed": 1}}, 1)


def test_pairs_share_places_and_differ_in_voltages():
    network = SMALL.make_network()
    first, second = switching.draw_pair(network, 3)
    assert np.array_equal(first.sources, second.sources)
    assert np.array_equal(first.targets, second.targets)
    assert first.feasible
    assert second.feasible
    assert not np.isclose(first.source_voltages[:-1], second.source_voltages[:-1]).any()
    assert second.source_voltages[-1] == 0
    again = switching.draw_pair(network, 3)[1]
    assert np.array_equal(again.source_voltages, second.source_voltages)


def test_the_figure_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(switching, "TARGETS", 1)
    monkeypatch.setattr(switching, "STEPS", 30.0)
    monkeypatch.setattr(switching, "UNTIL", 0.3)
    monkeypatch.setattr(switching, "TRACED", (3.0, (None, 1.0)))
    written = switching.make(switching.Size(2, (3.0, 10.0), (0.3, 3.0)), tmp_path, SMALL)
    assert [path.name for path in written] == ["switching.png", "switching.txt", "switching.csv"]
    assert written[0].stat().st_size > 40_000
    assert len(verdicts(written[1].read_text())) == 1       # no R <= 1 here
    data = np.genfromtxt(written[2], delimiter=",", names=True)
    assert data.size == 2 * 3
    assert np.all((data["fraction_learned"] >= 0) & (data["fraction_learned"] <= 1))


def test_slow_learning_does_not_notice_the_switching():
    """R far below σ, σ far below γp: G follows the mean of both tasks, as when they are shown at once."""
    network = SMALL.make_network()
    pair = switching.draw_pair(network, 1)
    ends = [ol.train(network, pair, 2e-3, until=None, t_max=800.0, schedule=schedule).conductances
            for schedule in (None, ol.Schedule(switching=0.05), ol.Schedule(switching=50.0))]
    moved = np.abs(ends[0] - 1).max()
    assert moved > 0.1
    assert np.abs(ends[1] - ends[0]).max() < 0.15 * moved        # about R/σ of it
    assert np.abs(ends[2] - ends[0]).max() > 0.2 * moved        # faster than the voltages relax: something else


def test_bad_sizes_are_said():
    with pytest.raises(ValueError, match="at least one pair"):
        switching.Size(0, (1.0,), (1.0,))
