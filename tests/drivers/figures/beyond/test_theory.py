"""The figures of theory and limits, small; onsets as measured, and the tasks of a teacher."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.analysis.onset import OnsetScan, scan_onsets
from ohmlearn.drivers.figures.beyond import limits, theory
from ohmlearn.drivers.figures.catalogue import Settings, verdicts

SMALL = Settings({"packing": {"n_nodes": 28, "seed": 2}}, 1)


def test_the_theory_is_drawn_and_judged(tmp_path):
    written = theory.make(theory.Size(3, 4), tmp_path, SMALL)
    assert [path.name for path in written] == ["theory.png", "theory.txt", "theory_onset.csv", "theory_spectrum.npz"]
    assert written[0].stat().st_size > 40_000
    assert len(verdicts(written[1].read_text())) == 1
    data = np.genfromtxt(written[2], delimiter=",", names=True)
    assert np.array_equal(data["predicted"], np.fmin(data["slowest_mode"], data["from_start"]))
    spectrum = np.load(written[3])
    assert spectrum["omega"].shape == (spectrum["R"].size, 2 * (28 - 11))


def test_compared_counts_what_it_should():
    nan = np.nan
    found = theory.Compared(slowest=np.array([1.0, 4.0, nan, 1.0, 1.0]), start=np.array([2.0, 1.0, nan, nan, 1.0]),
                            observed=np.array([1.9, 2.1, nan, nan, 1.0]), learned=np.array([True] * 4 + [False]),
                            smooth=np.ones(5, dtype=bool))
    assert np.array_equal(found.predicted, [1.0, 1.0, nan, 1.0, 1.0], equal_nan=True)
    assert np.array_equal(found.ratios(found.predicted), [1.9, 2.1, 1.0, np.inf])
    assert found.fraction(found.predicted) == 0.5


def test_a_scan_finds_the_onset():
    scan = OnsetScan(np.array([1.0, 2.0, 4.0]), np.array([[0.0, 0.05, 3.0], [0.2, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert np.array_equal(scan.onset, [4.0, 1.0, np.nan], equal_nan=True)
    assert scan.never_smooth.tolist() == [False, True, False]
    network = ol.Network.delaunay(16, seed=2)
    task = ol.Task.allosteric(network, 4, 3, seed=2, feasible=True)         # with one target, C would touch 0
    found = scan_onsets(network, [task], [0.1, 1.0, 30.0], threads=1)
    assert found.rises[0, 0] < 1e-3
    assert found.onset[0] == 30.0


def test_the_limits_are_drawn_and_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "RATES", (1.0, 1e4))
    monkeypatch.setattr(limits, "LAB_STEPS", 60)
    written = limits.make(limits.Size(2, (1, 4), 2), tmp_path, SMALL)
    assert [path.name for path in written] == ["limits.png", "limits.txt", "limits_targets.csv", "limits_volts.csv"]
    assert written[0].stat().st_size > 40_000
    assert len(verdicts(written[1].read_text())) == 2
    targets = np.genfromtxt(written[2], delimiter=",", names=True, dtype=None, encoding="utf8")
    assert targets.size == 2 * 2 * 2
    volts = np.genfromtxt(written[3], delimiter=",", names=True, dtype=None, encoding="utf8")
    assert volts.size == 2 * 2 * len(limits.VOLTS) * len(limits.LAB_RATES)


def test_a_teacher_can_be_followed():
    network = SMALL.make_network()
    task = limits.teacher_task(network, 5, 15, 3)
    run = ol.train(network, task, rate=1.0, until=1e-4)
    assert run.status == "reached"
    assert np.array_equal(limits.teacher_task(network, 5, 15, 3).target_voltages, task.target_voltages)


def test_bad_sizes_are_said():
    with pytest.raises(ValueError, match="two tasks"):
        theory.Size(1, 8)
    with pytest.raises(ValueError, match="one target"):
        limits.Size(2, (), 3)
