"""The sum of the squared conductances: the law of its change, what it conserves, and the figure of it."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import ohmlearn as ol
import pytest
import reference as twin
from ohmlearn.drivers.figures.beyond import conservation
from ohmlearn.drivers.figures.catalogue import Settings
from PIL import Image

NETS = {"packing": ol.Network.packing(31, seed=2), "grid": ol.Network.grid(4, 5),
        "delaunay": ol.Network.delaunay(23, seed=4), "random": ol.Network.random(19, 3.4, seed=1)}
FREE = ol.Rule(nudge=0.0, floor_mode="clip", floor=1e-9)     # a bound that these short runs do not meet


def source_of(network, task, rate, nudge, v, w, G):
    """2aR Σ w·dv/dt over nodes that are no source, less aRη w·Lw: what ½ d(ΣG²)/dt is to be."""
    L = twin.laplacian(network.n_nodes, network.edges, G)
    free = np.setdiff1d(np.arange(network.n_nodes), task.sources)
    return 2 * rate * float(w[free] @ -(L @ v)[free]) - rate * nudge * float(w @ L @ w)


@pytest.mark.parametrize("nudge", [0.0, 0.3])
@pytest.mark.parametrize(("name", "targets", "rate"), [("packing", 3, 1.0), ("grid", 1, 20.0), ("delaunay", 2, 0.3),
                                                       ("random", 3, 1e3)])
def test_the_law_along_an_independent_integration(name, targets, rate, nudge):
    """Differences of Σ G² between close states of scipy's integration (five points), and its source in the middle."""
    network, rule = NETS[name], replace(FREE, nudge=nudge)
    task = ol.Task.allosteric(network, 4, targets, seed=targets, feasible=True)
    start = np.random.default_rng(3).uniform(0.5, 1.5, network.n_edges)
    fastest = np.abs(twin.slopes(network, task, rule, rate, *twin.beginning(network, task, start), start)[2]).max()
    span = min(0.3, 0.3 / fastest)
    h = 0.02 * span
    times = np.append(0.0, (span * np.array([[0.05], [0.3], [1.0]]) + h * np.arange(-2, 3)).ravel())
    states = twin.GeneralTwin(network, (task,), rule, ol.Schedule(), rate).integrate(times, start, rtol=1e-12)[1:]
    assert min(G.min() for _, _, G, *_ in states) > 0.05
    half = np.array([0.5 * np.sum(G**2) for _, _, G, *_ in states]).reshape(3, 5)
    change = half @ np.array([1, -8, 0, 8, -1]) / (12 * h)
    source = [source_of(network, task, rate, nudge, v[0], w[0], G) for v, w, G, *_ in states[2::5]]
    np.testing.assert_allclose(change, source, rtol=1e-5, atol=1e-5 * np.abs(source).max())
    assert np.abs(source).max() > 3e-5


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("targets", [1, 2, 3])
def test_nothing_changes_it_in_the_quasistatic_limit(name, targets):
    """Node outputs in lanes, and the same task on the large path; with a nudge it does change."""
    network = NETS[name]
    task = ol.Task.allosteric(network, 4, targets, seed=5, feasible=True)
    start = np.ones(network.n_edges)
    span = 0.5 / np.abs(twin.slopes(network, task, FREE, 1.0, *twin.beginning(network, task, start), start)[2]).max()
    record = ol.Record(times=span * np.linspace(0, 1, 6), keep=("squared_norm", "conductances"))
    options = {"until": None, "t_max": span, "record": record, "tolerance": 1e-6}
    run = ol.train(network, task, 0.0, rule=FREE, **options)
    assert run.recorded["conductances"].min() > 0.01
    assert np.abs(run.conductances - 1).max() > 0.1
    assert np.abs(run.recorded["squared_norm"] / network.n_edges - 1).max() < 1e-6
    nudged = ol.train(network, task, 0.0, rule=replace(FREE, nudge=0.1), **options).recorded["squared_norm"]
    assert np.all(np.diff(nudged) < 0)
    assert nudged[-1] < (1 - 1e-5) * nudged[0]


@pytest.mark.parametrize("clamp", ["held", "pulled"])
def test_drop_outputs_and_samples_keep_it_too(clamp):
    """The law asks of w only that it vanishes at the sources; injected currents break it."""
    network, tolerance = NETS["delaunay"], 1e-7
    drops = ol.Task([0, 7, 20], [1.0, -0.5, 0.0], [(3, 11), 15], [0.2, 0.1])
    rule = replace(FREE, clamp=clamp, clamp_rate=2.0)
    record = ol.Record(times=[0.0, 4.0], keep="squared_norm")
    run = ol.train(network, drops, 0.0, rule=rule, until=None, t_max=4.0, record=record, tolerance=tolerance)
    assert run.conductances.min() > 0.01
    assert np.abs(run.conductances - 1).max() > 0.01
    assert run.recorded["squared_norm"][1] == pytest.approx(network.n_edges, rel=2e-6)
    other = replace(drops, source_voltages=np.array([0.2, 0.7, -0.4]), target_voltages=np.array([-0.1, 0.1]))
    both = ol.train(network, (drops, other), 0.0, rule=rule, until=None, t_max=4.0, record=record, tolerance=tolerance)
    assert both.conductances.min() > 0.01
    assert both.recorded["squared_norm"][1] == pytest.approx(network.n_edges, rel=2e-6)
    driven = replace(drops, currents={4: 0.5})
    other = ol.train(network, driven, 0.0, rule=rule, until=None, t_max=4.0, record=record, tolerance=tolerance)
    assert abs(other.recorded["squared_norm"][1] / network.n_edges - 1) > 1e-3


def test_its_growth_at_finite_rates_is_that_of_the_law():
    """The recorded sum against the integral of its source, by Simpson's rule over recorded states."""
    network, rate = NETS["packing"], 2.0
    task = ol.Task.allosteric(network, 4, 2, seed=5, feasible=True)
    times = np.linspace(0, 2.0, 401)
    run = ol.train(network, task, rate, rule=FREE, until=None, t_max=2.0, tolerance=1e-6,
                   record=ol.Record(times=times, keep=("squared_norm", "voltages", "conductances")))
    states = twin.GeneralTwin(network, (task,), FREE, ol.Schedule(), rate).integrate(times, np.ones(network.n_edges),
                                                                                    rtol=1e-8)
    kept = run.recorded
    source = np.array([source_of(network, task, rate, 0.0, v, w[0], G)
                       for v, G, (_, w, *_) in zip(kept["voltages"], kept["conductances"], states, strict=True)])
    h = times[1]
    grown = 2 * h / 3 * (source[0] + source[-1] + 4 * source[1::2].sum() + 2 * source[2:-1:2].sum())
    assert grown == pytest.approx(kept["squared_norm"][-1] - kept["squared_norm"][0], rel=1e-4)
    assert grown > 1e-3


def test_the_figure(tmp_path: Path) -> None:
    size = conservation.Size(4, (1e-2, 1.0, 1e4, 1e5, 1e6))
    data = conservation.compute(Settings().make_network(), size, 1)
    lines = [line[:4] for line in conservation.verdicts(data)]
    assert lines.count("pass") >= 4
    assert "FAIL" not in lines
    squares = conservation.middle(data.squares)
    assert 1 < squares[0] < 1.001 < squares[1] < 1.2
    assert 50 < squares[2] < 2000
    scaled, plain = (conservation.middle(data.relative(x)) for x in (True, False))
    assert plain[-1] < 1e-3
    assert 0.2 < scaled[-1] < 3
    away = replace(data, drift=data.drift + 1e-4, squares=np.sqrt(data.squares) + 0.01)
    assert [line[:4] for line in conservation.verdicts(away)].count("FAIL") >= 3
    picture, text, numbers = conservation.save(data, tmp_path, "a title")
    assert Image.open(picture).size == (1750, 1250)
    assert "ΣG²/ΣG₀²" in text.read_text()
    rows = np.genfromtxt(numbers, delimiter=",", names=True)
    assert rows.size == 4 * (5 + 5)
    with pytest.raises(ValueError, match="three tasks at least, not 2"):
        conservation.Size(2, (1.0,))
