"""Laws fitted to measurements: planted parameters come back within their errors, and what is left open is said."""
import dataclasses

import numpy as np
import ohmlearn as ol
import pytest
from ngspice import needs_ngspice, voltages
from ngspice import simulate as run_ngspice
from ohmlearn.edges import NMOS, Cubic, Diode, IdealDiode, Linear, Measurements, Offset, PerEdge, Sinh, fit_law
from ohmlearn.edges import simulate_measurements as simulate
from ohmlearn.solvers.nonlinear.edge_arrays import as_edges
from ohmlearn.solvers.nonlinear.equilibrium import NonlinearEquilibrium
from ohmlearn.solvers.nonlinear.fit_law import _Circuit
from ohmlearn.solvers.nonlinear.law_unknowns import slopes, tried, unknowns

NET = ol.Network.grid(3, 4)
M = NET.n_edges
LEVEL1 = NMOS("level1", gain=0.5, threshold=0.2, leak=1e-3, body_effect=0.3, surface_potential=0.8, modulation=0.1,
              drain_resistance=0.1, source_resistance=0.3, terminal_leak=1e-3, node_leak=2e-3)
LAWS = {
    "linear": (Linear(), ["factor"]), "cubic": (Cubic(0.5), ["coefficient", "factor"]),
    "sinh": (Sinh(0.4), ["scale", "factor"]), "offset": (Offset(0.05), ["voltage", "factor"]),
    "ideal diode": (IdealDiode(2.0, 0.1), ["on", "off"]),
    "diode": (Diode(1e-3, 0.1, leak=0.02), ["saturation", "thermal_voltage", "leak"]),
    "series diode": (Diode(1e-3, 0.1, 0.7, 0.02), ["saturation", "thermal_voltage", "series", "leak"]),
    "square": (NMOS(gain=0.5, leak=1e-3), ["gain", "threshold", "leak"]),
    "mean": (NMOS("mean", gain=0.5, least=0.1, leak=1e-3), ["gain", "threshold", "leak", "least"]),
    "ekv": (NMOS("ekv", gain=0.5, smoothing=0.1), ["gain", "threshold", "smoothing"]),
    "level1": (LEVEL1, ["gain", "threshold", "leak", "body_effect", "surface_potential", "modulation",
                        "drain_resistance", "source_resistance", "terminal_leak", "node_leak"]),
}
QUICK = {"linear", "cubic", "ideal diode", "square"}      # whose equilibria other tests compile too
each_law = pytest.mark.parametrize(("law", "names"), [
    pytest.param(*given, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, given in LAWS.items()])


def plan(law, n=8, seed=0, net=NET):
    """Voltages and settings of n measurements."""
    rng = np.random.default_rng(seed)
    low, high = (1.0, 3.0) if law.learns == "gate voltage" else (0.5, 2.0)
    return rng.uniform(-0.2, 1.0, (n, 3)), rng.uniform(low, high, (n, net.n_edges))


def read_at(net, law, held, voltages, settings, seed=0, nodes=None, error=1e-5, **more):
    others = np.setdiff1d(np.arange(net.n_nodes), held)[::2]
    return simulate(net, law, held, voltages, settings, nodes=others if nodes is None else nodes, terminals=held,
                    voltage_error=error, current_error=error, seed=seed, **more)


@each_law
@pytest.mark.parametrize("each", [False, True], ids=["one for all", "one an edge"])
def test_derivatives_of_readings_are_those_of_differences(law, names, each):
    if each:
        names = [name for name in names if name != "node_leak"]
    circuit = _Circuit(NET, law, read_at(NET, law, [0, 5, 11], *plan(law, 2), error=1.0))
    circuit.given = unknowns(law, M, () if each else names, names if each else ())
    x = np.concatenate([unknown.start for unknown in circuit.given])
    found, rng = circuit.jacobian(x), np.random.default_rng(1)
    step, allowed = (1e-3, 1e-7) if law is LEVEL1 else (1e-5, 2e-9)     # its equilibria are known to 1e-10
    assert found.shape == (2 * (5 + 3), len(x))
    for _ in range(5):
        way = rng.normal(size=x.size)
        way /= np.abs(way).max()
        moved = [circuit.residuals(x + h * way) for h in (step, -step, 2 * step, -2 * step)]
        slope = (8 * (moved[0] - moved[1]) - (moved[2] - moved[3])) / (12 * step)
        np.testing.assert_allclose(found @ way, slope, rtol=1e-7, atol=allowed)


def closed_forms(v, u):
    """Currents of laws in complex numbers, by what is named after them, at drops of voltages v (n, 2)."""
    d, over = v[:, 0] - v[:, 1], u[:, None] - v

    def softplus(x):
        return np.log(1 + np.exp(x))
    return {
        "cubic": lambda coefficient: u * d + coefficient * d**3,
        "sinh": lambda scale: u * scale * np.sinh(d / scale),
        "offset": lambda voltage: u * (d - voltage),
        "diode": lambda saturation, thermal_voltage, leak: saturation * (np.exp(d / thermal_voltage) - 1) + leak * d,
        "ekv": lambda gain, threshold, smoothing: 2 * gain * smoothing**2 * (
            softplus((over[:, 1] - threshold) / (2 * smoothing))**2
            - softplus((over[:, 0] - threshold) / (2 * smoothing))**2) + 1e-6 * d,
    }


@pytest.mark.parametrize("kind", ["cubic", "sinh", "offset", "diode", "ekv"])
def test_slopes_of_a_law_are_those_of_a_complex_step(kind):
    law, names = LAWS[kind]
    names = [name for name in names if name != "factor"]
    rng = np.random.default_rng(4)
    voltages, u = rng.uniform(-0.5, 0.5, 12), rng.uniform(0.5, 2.0, M)
    parts = NonlinearEquilibrium(NET, [0], law).derivatives(u, voltages)
    current = closed_forms(voltages[NET.edges], u)[kind]
    given = [getattr(law, name) for name in names]
    np.testing.assert_allclose(parts.current, current(*given), rtol=1e-12, atol=1e-14)
    for k, name in enumerate(names):
        unknown, = unknowns(law, M, [name], [])
        found = slopes(NET, tried(law, M, [unknown], unknown.start), unknown, u, voltages, parts)
        stepped = given[:k] + [given[k] + 1e-30j] + given[k + 1:]
        exact = current(*stepped).imag / 1e-30 * (given[k] if unknown.logarithmic else 1)
        np.testing.assert_allclose(found.current, exact, rtol=0, atol=1e-11 * max(1.0, np.abs(exact).max()))


def check(found, planted):
    """Planted parameters {name: numbers} lie within their errors, singly and by their covariance, and chi² is near its
    mean."""
    off = np.concatenate([np.atleast_1d(found[name] - value) for name, value in planted.items()])
    errors = np.concatenate([np.atleast_1d(found.error(name)) for name in planted])
    assert np.abs(off / errors).max() < 4.5
    np.testing.assert_allclose(np.sort(errors), np.sort(found.standard_errors))
    if len(planted) == 1:
        together = off @ np.linalg.solve(found.covariance, off)
        assert abs(together - off.size) < 5 * np.sqrt(2 * off.size)
    assert abs(found.chi2 - found.degrees_of_freedom) < 5 * np.sqrt(2 * found.degrees_of_freedom)
    assert found.undetermined == []
    assert found.degrees_of_freedom == found.residuals.size - found.values.size
    np.testing.assert_allclose(np.sqrt(np.diagonal(found.covariance)), found.standard_errors)


@pytest.mark.parametrize("net", [NET, ol.Network.packing(20, seed=2), ol.Network.random(13, 4, seed=2)],
                         ids=["grid", "packing", "random"])
@pytest.mark.parametrize("seed", [0, 1])
def test_thresholds_and_gains_of_transistors_come_back(net, seed):
    rng, m = np.random.default_rng(seed), net.n_edges
    true = NMOS(gain=0.5 * (1 + 0.1 * rng.normal(size=m)), threshold=0.3 + 0.05 * rng.normal(size=m), leak=1e-3)
    read = read_at(net, true, [0, 1, net.n_nodes - 1], *plan(true, 24, seed, net), seed=seed)
    found = fit_law(net, NMOS(gain=0.5, threshold=0.2, leak=1e-3), read, per_edge=["threshold", "gain"])
    check(found, {"threshold": true.threshold, "gain": true.gain})
    np.testing.assert_array_equal(found.law.threshold, found["threshold"])
    again = read_at(net, found.law, [0, 1, net.n_nodes - 1], *plan(true, 24, seed, net), error=None)
    assert np.std(again.voltages - read.voltages) < 1.5e-5


def test_a_board_of_transistors_of_level_1_comes_back():
    """In siemens and volts, with mismatch, from a third of the gates open."""
    net, rng, law = ol.lab.transistor_network(), np.random.default_rng(3), NMOS.ald1106()
    m = net.n_edges
    true = dataclasses.replace(law, threshold=0.75 + 0.02 * rng.normal(size=m), modulation=0.17)
    gates, held = rng.uniform(1.0, 5.0, (12, m)), rng.uniform(0, 0.45, (12, 3))
    read = simulate(net, true, [0, 5, 10], held, gates, nodes=[k for k in range(16) if k not in (0, 5, 10)],
                    terminals=[0, 5, 10], voltage_error=1e-4, current_error=1e-7)
    found = fit_law(net, law, read, "modulation", "threshold")
    check(found, {"threshold": true.threshold, "modulation": 0.17})
    assert found.error("threshold").max() < 0.02
    assert found.law.bounds == (0.4, 8.0)


@needs_ngspice
def test_transistors_that_ngspice_simulated_come_back(tmp_path):
    """Readings of another program, full circuits with series resistances and leaks, and noise of 10 µV."""
    net, rng = ol.Network.grid(4, 4), np.random.default_rng(6)
    card = NMOS("level1", gain=1.1e-3, threshold=0.75, body_effect=1.09, surface_potential=0.95, modulation=0.2,
                drain_resistance=20.0, source_resistance=40.0, terminal_leak=1e-8, node_leak=1e-9)
    real = dataclasses.replace(card, threshold=0.75 + 0.02 * rng.normal(size=net.n_edges), modulation=0.17)
    held, gates, read = rng.uniform(0.0, 2.0, (10, 3)), rng.uniform(2.0, 6.0, (10, net.n_edges)), []
    for volts, setting in zip(held, gates, strict=True):
        deck = net.to_spice(ol.Task([0, 5, 15], volts, [1], [0.0]), setting, edges=real, path=tmp_path / "a.cir")
        read.append(voltages(run_ngspice(deck, tmp_path, ".options reltol=1e-9 abstol=1e-15 vntol=1e-13 itl1=1000")[1],
                             net))
    nodes = np.setdiff1d(np.arange(16), [0, 5, 15])
    measured = Measurements([0, 5, 15], held, gates, nodes=nodes, voltage_error=1e-5,
                            voltages=np.array(read)[:, nodes] + 1e-5 * rng.normal(size=(10, 13)))
    found = fit_law(net, card, measured, "modulation", "threshold")
    check(found, {"threshold": real.threshold, "modulation": 0.17})
    assert found.error("threshold").max() < 0.01


def test_diodes_and_resistors_come_back():
    rng = np.random.default_rng(5)
    which, factors = np.arange(M) % 2, np.where(np.arange(M) % 2, 1.0, rng.uniform(0.7, 1.4, M))
    true = PerEdge([Linear(), Diode(2e-3, 0.08, 0.6)], which)
    guess = PerEdge([Linear(), Diode(1e-3, 0.1, 1.0)], which)
    read = read_at(NET, true, [0, 5, 11], *plan(Linear(), 15), factors=factors, nodes=[1, 2, 3, 4, 6, 7, 8, 9, 10])
    found = fit_law(NET, guess, read, ["saturation", "thermal_voltage", "series"], ["factor"])
    assert found.names[0] == "saturation of law 1 (Diode)"
    resistors = np.flatnonzero(which == 0)
    assert found.undetermined == []
    assert np.abs((found["factor"] - factors) / found.error("factor"))[resistors].max() < 4.5
    assert np.isnan(found["factor"][1::2]).all()
    np.testing.assert_array_equal(found.factors[1::2], 1.0)
    for name, value in (("saturation", 2e-3), ("thermal_voltage", 0.08), ("series", 0.6)):
        assert abs(found[name][1] - value) < 4.5 * found.error(name)[1] < 0.2 * value


def test_without_noise_the_parameters_are_exact():
    """However far away and however exact the readings are: nothing pulls a fit to where it began."""
    true = NMOS(gain=0.4, threshold=0.3 + 0.1 * np.sin(np.arange(M)), leak=1e-3)
    read = simulate(NET, true, [0, 5, 11], *plan(true, 12), nodes=[1, 2, 3, 4, 6, 7], terminals=[0, 5, 11])
    given = Measurements([0, 5, 11], read.held_voltages, read.settings, nodes=read.nodes, voltages=read.voltages,
                         terminals=read.terminals, currents=read.currents, voltage_error=1e-7, current_error=1e-7)
    found = fit_law(NET, NMOS(gain=1.5, threshold=-0.3, leak=1e-3), given, "gain", "threshold")
    np.testing.assert_allclose(found["gain"], 0.4, rtol=1e-8)
    np.testing.assert_allclose(found["threshold"], true.threshold, rtol=0, atol=1e-7)
    assert found.chi2 < 1e-4


def test_missing_readings_are_left_out():
    held, settings = plan(Linear(), 10)
    read = read_at(NET, Linear(), [0, 5, 11], held, settings, factors=np.linspace(0.8, 1.2, M))
    wrong = read.voltages.copy()
    wrong[3, 1] = wrong[7, :] = np.nan
    currents = np.where(np.arange(30).reshape(10, 3) % 4 == 0, np.nan, read.currents)
    some = Measurements([0, 5, 11], held, settings, nodes=read.nodes, voltages=wrong, terminals=[0, 5, 11],
                        currents=currents, voltage_error=1e-5, current_error=1e-5)
    assert some.n_readings == read.n_readings - 6 - 8
    found = fit_law(NET, Linear(), some, per_edge="factor")
    assert found.residuals.size == some.n_readings
    check(found, {"factor": np.linspace(0.8, 1.2, M)})


def test_without_errors_the_spread_of_the_residuals_counts():
    held, settings = plan(Linear(), 30)
    errors = {}
    for error in (None, 1e-3):
        read = simulate(NET, Linear(), [0, 5, 11], held, settings, nodes=[1, 2, 3, 4, 6], voltage_error=1e-3, seed=2,
                        factors=np.linspace(0.8, 1.2, M))
        given = Measurements([0, 5, 11], held, settings, nodes=read.nodes, voltages=read.voltages, voltage_error=error)
        errors[error] = fit_law(NET, Linear(), given, per_edge="factor")
    np.testing.assert_allclose(errors[None].values, errors[1e-3].values, rtol=1e-5)
    spread = np.sqrt(errors[1e-3].chi2 / errors[1e-3].degrees_of_freedom)
    kept = np.isfinite(errors[None].standard_errors)
    np.testing.assert_array_equal(kept, np.isfinite(errors[1e-3].standard_errors))
    np.testing.assert_allclose(errors[None].covariance, spread**2 * errors[1e-3].covariance, rtol=1e-4, atol=1e-12)


def test_voltages_leave_open_how_much_all_edges_conduct():
    """Of resistors: all conductances times a number give the same voltages."""
    held, settings = plan(Linear(), 8)
    factors = np.linspace(0.8, 2.0, M)
    read = simulate(NET, Linear(), [0, 5, 11], held, settings, nodes=[1, 2, 3, 4, 6, 7, 8, 9, 10], voltage_error=1e-5,
                    factors=factors)
    found = fit_law(NET, Linear(), read, per_edge="factor")
    assert abs(np.log(found["factor"]).mean()) < 1e-6          # it stays where the fit began
    ratio = found["factor"] / factors
    np.testing.assert_allclose(ratio / ratio.mean(), 1.0, atol=2e-3)
    said, = found.undetermined
    assert "ln factor of edge 0" in said
    assert said.endswith(f"and {M - 6} more")
    assert np.isinf(found.standard_errors).all()
    assert found.singular_values[-1] < 1e-9 * found.singular_values[0] < found.singular_values[-2]
    np.testing.assert_allclose(np.abs(found.combinations[-1]), M**-0.5, rtol=1e-5)
    assert "the data leave open" in str(found)


def test_resistors_in_series_and_transistors_that_are_off_are_named():
    chain = ol.Network.from_edges([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)])
    read = simulate(chain, Linear(), [0, 3], [[1.0, 0.0]], nodes=[2], terminals=[0, 3], voltage_error=1e-6,
                    current_error=1e-6)
    found = fit_law(chain, Linear(), read, per_edge="factor")
    assert len(found.undetermined) == 3             # five resistors; one voltage and one current are independent
    assert found.degrees_of_freedom == 3 - 2
    np.testing.assert_allclose(found.values, 1.0, atol=1e-4)

    law, gates = NMOS(gain=0.5, threshold=0.5, leak=1e-2), np.full((6, M), 2.0)
    gates[:, 3] = 0.2
    held = plan(law, 6)[0] ** 2
    gates[:, np.arange(M) != 3] += np.random.default_rng(0).uniform(0, 1, (6, M - 1))
    found = fit_law(NET, law, read_at(NET, law, [0, 5, 11], held, gates), per_edge="threshold")
    assert found.undetermined == ["threshold of edge 3"]
    assert np.flatnonzero(np.isinf(found.standard_errors)).tolist() == [3]


def test_a_parameter_that_is_zero_stays_at_or_above_it():
    true = NMOS(gain=0.5, leak=0.0, node_leak=1e-3)
    read = read_at(NET, true, [0, 5, 11], *plan(true), error=1e-4)
    found = fit_law(NET, true, read, ["gain", "leak"])
    assert 0 <= found["leak"] < 5e-4
    assert abs(found["gain"] - 0.5) < 5 * found.error("gain")


@pytest.mark.parametrize(("change", "told"), [
    ({"held_voltages": [[1.0]]}, r"held_voltages must be \(n, 2\)"),
    ({"voltages": [[0.5, 0.1]]}, r"voltages must be \(1, 1\)"),
    ({"voltages": [[np.inf]]}, "NaN where there is no reading"),
    ({"nodes": [0]}, "voltage of node 0 is set"),
    ({"nodes": [1.5]}, "nodes must be numbers"),
    ({"held": [0, 0]}, "node 0 is listed twice"),
    ({"terminals": [1], "currents": [[0.1]]}, "node 1 is a terminal, but no held node"),
    ({"terminals": [0], "currents": [[0.1]]}, "give voltage_error and current_error"),
    ({"voltage_error": 0.0}, "voltage_error must be > 0"),
    ({"voltage_error": [1.0, 2.0]}, "voltage_error must be one number"),
    ({"nodes": [], "voltages": None}, "there are no readings"),
    ({"settings": np.ones((2, 3))}, r"settings must be \(n_edges,\) or \(1, n_edges\)"),
])
def test_wrong_measurements_are_refused(change, told):
    right = {"held": [0, 11], "held_voltages": [[1.0, 0.0]], "nodes": [4], "voltages": [[0.5]]}
    Measurements(**right)
    with pytest.raises((ValueError, TypeError), match=told):
        Measurements(**(right | change))


@pytest.mark.parametrize(("edges", "fit", "told"), [
    (NMOS(), ["gains"], "there is no parameter 'gains' to fit; there are gain, leak"),
    (NMOS(), ["smoothing"], "no parameter 'smoothing'"),
    (NMOS(), [], "nothing is to be fitted"),
    (Diode(), ["series"], "series must be > 0 where the fit begins"),
    (NMOS(gain=np.linspace(1, 2, M)), ["gain"], "gain differs from edge to edge"),
    ("NMOS", ["gain"], "edges must be a law"),
])
def test_wrong_fits_are_refused(edges, fit, told):
    read = Measurements([0, 11], [[1.0, 0.0]], nodes=[4], voltages=[[0.5]], voltage_error=1e-3)
    with pytest.raises((ValueError, TypeError), match=told):
        fit_law(NET, edges, read, fit)


def test_other_refusals():
    read = Measurements([0, 11], [[1.0, 0.0]], nodes=[4], voltages=[[0.5]], voltage_error=1e-3)
    with pytest.raises(ValueError, match="not both"):
        fit_law(NET, Linear(), read, ["factor"], ["factor"])
    with pytest.raises(ValueError, match="node_leak belongs to nodes"):
        fit_law(NET, NMOS(node_leak=1e-3), read, per_edge="node_leak")
    with pytest.raises(TypeError, match="measurements must be"):
        fit_law(NET, Linear(), [1.0], ["factor"])
    with pytest.raises(ValueError, match="no parameter 'gain' to fit; there are factor"):
        fit_law(NET, ol.edges.Own(lambda p, u, a, b, e: u), read, ["gain"])
    with pytest.raises(ValueError, match="node 99"):
        fit_law(NET, Linear(), Measurements([0, 11], [[1.0, 0.0]], nodes=[99], voltages=[[0.5]]), ["factor"])
    with pytest.raises(RuntimeError, match="did not settle in 1 evaluations"):
        fit_law(NET, NMOS(gain=0.1, leak=1e-3), read_at(NET, NMOS(leak=1e-3), [0, 5, 11], *plan(NMOS())), ["gain"],
                max_evaluations=1)
    with pytest.raises(KeyError, match="'gain' was not fitted; fitted were factor"):
        fit_law(NET, Linear(), read, "factor")["gain"]
    assert as_edges(Linear(), NET).learns == "conductance"
