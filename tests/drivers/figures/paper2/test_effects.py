"""The physical effects of learning, small: directions, files, and that states missing at the end do not count."""
import numpy as np
import pytest
from ohmlearn.drivers.figures.catalogue import Settings, verdicts
from ohmlearn.drivers.figures.paper2 import effects, landscape
from ohmlearn.drivers.figures.paper2.effects import Effects, Size, by_flow


def test_directions_under_currents_on_one_network():
    """A drop asked for that is far above the one at the start needs a soft mode: all three move as stated."""
    found = by_flow([landscape.problem(k, 36, "current", 20.0) for k in range(2)])
    assert np.all(found.change("dimension") < 0.9)
    assert np.all(found.change("susceptibility") > 1.2)
    assert np.all(found.change("alignment") > 1.0)
    assert np.all(found.change("power") > 1.0)
    assert np.isfinite(found.values["power"]).all()


def test_the_last_state_that_was_reached_counts():
    found = Effects(np.array([1.0, 0.1, 0.01]), {"power": np.array([[2.0, 3.0, np.nan], [1.0, 2.0, 5.0]])})
    assert found.change("power") == pytest.approx([1.5, 5.0])


def test_the_figure_is_drawn_and_judged(tmp_path):
    written = effects.make(Size(2, 25), tmp_path, Settings({"packing": {"n_nodes": 28, "seed": 2}}, 1))
    assert [path.name for path in written] == ["landscape_effects.png", "landscape_effects.txt",
                                               "landscape_effects.csv"]
    assert written[0].stat().st_size > 40_000
    text = written[1].read_text()
    assert len(verdicts(text)) == 12
    assert text.count("no direction is stated") == 4
    data = np.genfromtxt(written[2], delimiter=",", names=True)
    assert data.size == 4 * 2 * len(effects.COSTS)
    start = data[data["cost"] == 1]
    assert np.all(start["susceptibility"] > 0)
    with pytest.raises(ValueError, match="two networks under each drive at least, not 1"):
        Size(1)
