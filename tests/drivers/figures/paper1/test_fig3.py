"""Fig. 3: its frequencies and eigenvalues are what they are called, agree with the published ones, and are judged."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ohmlearn.drivers.analysis import flatness, oscillation_strength, oscillations
from ohmlearn.drivers.analysis.published import HESSIAN_EIGENVALUES, OSCILLATION_FREQUENCY
from ohmlearn.drivers.cli import main
from ohmlearn.drivers.figures.catalogue import SIZES
from ohmlearn.drivers.figures.paper1 import fig3, fig3_table
from ohmlearn.network import Network
from ohmlearn.task import Task


def tasks_on(network: Network, count: int) -> list[Task]:
    return [Task.allosteric(network, 10, 3, seed=seed) for seed in range(count)]


def test_frequencies_of_a_damped_oscillation() -> None:
    """cos ωt twice around a line: C has four extrema a cycle, its error two zero crossings."""
    t = np.linspace(0, 1, 4000, endpoint=False)
    error = np.exp(-t)[:, None] * np.cos(2 * np.pi * 25 * t)[:, None]
    assert oscillations.count_extrema(np.sum(error**2, axis=1)) == pytest.approx(100, abs=1)
    assert oscillations.cycles(error) * 4000 == pytest.approx(25)
    assert oscillations.spectral_peak(error + 3 * t[:, None]) * 4000 == 25
    assert oscillations.count_extrema(np.array([3.0, 2.0, 2.0, 1.0])) == 0
    assert np.isnan(oscillations.cycles(np.empty((0, 3))))


@pytest.mark.slow
def test_rate_of_extrema_agrees_with_the_published_frequency(reference: Path) -> None:
    """R = 1e6 on the published network: 10 tasks, within the sampling of so few; crossings are cycles, four extrema."""
    network = Network.read(reference / "networks" / "packing_01.txt")
    tasks = tasks_on(network, 10)
    found = oscillations.measure(network, tasks, [1e6], [], 1)
    published = dict(zip(OSCILLATION_FREQUENCY["rate"], OSCILLATION_FREQUENCY["frequency"], strict=True))[1e6]
    assert found.frequency.mean[0] == pytest.approx(published, rel=0.35)
    assert found.published_way.mean[0] == pytest.approx(published, rel=0.35)
    beside = oscillations.measure(network, tasks[:3], [1e6], [1e6], 1)
    assert 0.15 < np.nanmean(beside.crossings) / beside.frequency.mean[0] < 0.35
    assert np.nanmean(beside.peaks) < beside.frequency.mean[0] / 2


def test_the_published_estimator_is_a_mean_of_periods() -> None:
    """cos² has a maximum every half cycle; 1/⟨T⟩ of T = 1 and 3 is 1/2, and its error that of ⟨T⟩ carried over."""
    t = np.linspace(0, 1, 5000)
    ringing = np.exp(-t) * np.cos(2 * np.pi * 10 * t)**2
    assert oscillations.period_of_maxima(t, ringing) == pytest.approx(0.05, abs=3e-4)
    assert np.isnan(oscillations.period_of_maxima(t, (t - 0.5)**2))
    assert oscillations.period_of_maxima(np.arange(8.0), np.array([0, 2, 2, 1, 1, 3, 0, 0.0])) == 4.0
    none = np.empty((2, 0))
    found = oscillations.Oscillations(np.ones(1), np.array([[1.0], [0.5]]), np.array([[1.0], [3.0]]), np.array([2]),
                                      none[0], none, none)
    assert found.published_way.mean == pytest.approx(0.5)
    assert found.published_way.error == pytest.approx(0.25)       # ⟨T⟩ = 2 ± 1
    assert found.harmonic.mean == pytest.approx(2 / 3)
    assert found.frequency.mean == pytest.approx(0.75)


def test_swings_of_a_ringing_cost() -> None:
    t = np.arange(0, 60, 0.01)
    ringing = np.exp(-t / 5) * np.cos(t)**2
    assert oscillation_strength.largest_swing(ringing) == pytest.approx(np.exp(-np.pi / 5), rel=0.02)
    assert oscillation_strength.largest_swing(np.exp(-t)) == oscillation_strength.LEAST
    # the first zero comes before
    assert oscillation_strength.late_swing(ringing) == pytest.approx(np.exp(-np.pi / 5), rel=0.02)
    assert oscillation_strength.late_swing(0.9 * ringing + np.exp(-t / 5)) < 0.02
    assert np.isnan(oscillation_strength.late_swing(np.full(5, 0.5)))


def test_swings_strengthen_then_weaken_and_conductances_move_as_the_root_of_the_rate() -> None:
    network = Network.packing(64, seed=1)
    found = oscillation_strength.measure(network, tasks_on(network, 16), [1.0, 30.0, 1e6, 1e8], 1)
    late = np.nanmedian(found.late, axis=0)
    assert late[1] > 10 * max(late[0], late[2], late[3])
    np.testing.assert_allclose(np.median(found.moved[:, 3] / found.moved[:, 2]), 10, rtol=0.15)
    assert np.all(found.whole >= np.nan_to_num(found.late))


def test_the_whole_run_and_its_pieces_are_one() -> None:
    """Following v_T in pieces ends at the same voltages as one run does."""
    network = Network.packing(64, seed=1)
    [task] = tasks_on(network, 1)
    rate = 1e4
    whole = oscillations.train(network, task, rate, until=None, t_max=20 / np.sqrt(rate), tolerance=1e-5)
    pieces = oscillations.sample_errors(network, [task], rate, np.array([20.5 / np.sqrt(rate)]), 1)[0]
    assert len(pieces) == 20
    np.testing.assert_allclose(pieces[-1], whole.voltages[task.targets] - task.target_voltages, atol=1e-4)


def test_eigenvalues_fall_as_one_over_the_rate() -> None:
    network = Network.packing(64, seed=1)
    found = flatness.measure(network, tasks_on(network, 6), [0.01, 1e5, 1e6, 1e7], 1)
    for mode in range(3):
        assert found.own_slopes("2JᵀJ", mode, (1e5, 1e7))[0] == pytest.approx(-1.0, abs=0.1)
    assert np.all(found.ratios("2JᵀJ", 0).mean[1:] < 1e-2)
    assert found.own_slopes("contrastive", 0, (1e5, 1e7))[0] == pytest.approx(-0.5, abs=0.1)
    satisfied, whole = (found.ratios(kind, 0).median for kind in ("2JᵀJ", "C*"))
    np.testing.assert_allclose(satisfied, whole, rtol=0.02)      # at C* = 1e-6 the rest of the Hessian is small


def made(factor: float = 1.0, steeper: float = 0.0) -> fig3.Fig3:
    """Data that follow the published ones, times a factor, with steeper laws."""
    rates = OSCILLATION_FREQUENCY["rate"]
    spread = np.array([0.98, 1.0, 1.02])[:, None]
    frequency = factor * 0.058 * rates**(0.5 + steeper) * spread
    flat = np.array([0.01, 630.957344, 2.5e3, 1e4, 1e5, 1e6, 1e7, 1e8])
    values = np.ones((3, 3, flat.size, 3)) * spread[None, :, :, None]
    for mode in range(3):
        late = fig3_table.published_at(f"lambda{mode + 1}", 2.5e3)[0] * (flat[2:] / 2.5e3)**(-1 - steeper)
        early = fig3_table.published_at(f"lambda{mode + 1}", flat[1])[0]
        values[:, :, 1:, mode] *= factor * np.array([early, *late])
    values[:, :, 0] = 1.0
    none = np.empty((3, 0))
    far = 10.0 ** np.arange(13)
    late = spread * np.concatenate([np.geomspace(1e-4, 1e-2, 4), np.geomspace(3e-3, 1e-4 * factor**3, 9)])
    return fig3.Fig3(
        oscillations.Oscillations(rates, frequency, 1 / frequency, np.full(rates.size, 3), none[0], none, none),
        flatness.Flatness(flat, values, spread * np.ones(flat.size), np.ones((3, flat.size))),
        oscillation_strength.Swings(far, 100 * late, late, spread * far**(0.5 + steeper)), oscillations.Runs([]))


def starts(data: fig3.Fig3) -> list[str]:
    return [line[:4] for line in fig3_table.verdicts(data) if not line.startswith(" ")]


def test_what_is_published_passes_and_what_is_off_does_not() -> None:
    assert starts(made()) == ["pass"] * 14
    off = starts(made(10.0))
    assert [off[1], off[2], *off[4:8]] == ["FAIL"] * 6      # frequency, oscillations that do not weaken, eigenvalues
    off = starts(made(steeper=0.3))
    assert [off[0], off[3]] == ["FAIL"] * 2
    assert off[-6:] == ["FAIL"] * 6


def test_published_values_between_the_published_rates() -> None:
    assert fig3_table.published_at("lambda2", 630.957344)[0] == pytest.approx(0.140277082)
    assert 0.0136 < fig3_table.published_at("lambda1", 2.5e3)[0] < 0.0195
    assert HESSIAN_EIGENVALUES["rate"][-1] == 1e4


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = fig3.Size(3, (1e5, 1e6), (), (0.01, 1e4), (1.0, 1e3, 1e6), (1e4,))
    monkeypatch.setattr(fig3, "FIGURE", replace(fig3.FIGURE, sizes=dict.fromkeys(SIZES, small)))
    with pytest.raises(SystemExit) as ended:
        main(["figure", "fig3", "--output", str(tmp_path)])
    assert ended.value.code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"fig3.png", "fig3.txt", "fig3a_frequency.csv",
                                                          "fig3bc_eigenvalues.csv", "fig3d_traces.npz",
                                                          "fig3ef_amplitudes.csv"}
    rows = np.genfromtxt(tmp_path / "fig3a_frequency.csv", delimiter=",", names=True)
    np.testing.assert_allclose(rows["R"], [1e5, 1e6])
    assert np.all(rows["published"] > 0)
    assert np.all(rows["extrema_harmonic"] <= rows["extrema_mean"])
    assert np.genfromtxt(tmp_path / "fig3ef_amplitudes.csv", delimiter=",", names=True).size == 9
    with pytest.raises(ValueError, match="three tasks at least, not 2"):
        replace(small, tasks=2)
