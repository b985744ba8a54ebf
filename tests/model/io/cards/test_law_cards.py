"""Laws of edges as decks: ngspice's operating points and transients are the package's, and what is read is what was
written."""
import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import ohmlearn as ol
import pytest
from ngspice import needs_ngspice, simulate, voltages
from ohmlearn.edges import NMOS, Cubic, Diode, IdealDiode, Linear, Offset, PerEdge, Sinh
from ohmlearn.solvers.nonlinear.equilibrium import NonlinearEquilibrium
from scipy.integrate import solve_ivp

TOLERANCES = ".options reltol=1e-9 abstol=1e-15 vntol=1e-13 itl1=1000"     # gmin stands in the decks
LEVEL1 = {"gain": 1.1e-3, "threshold": 0.75, "body_effect": 1.09, "surface_potential": 0.95, "modulation": 0.2}
reference = pytest.mark.skipif(
    not Path(os.environ.get("OHMLEARN_REFERENCE", "/none"), "nonlinear").is_dir(),
    reason="needs the published data; set OHMLEARN_REFERENCE")


def drawn(seed, n=16):
    """A random network, a task with held voltages up to 3 V and a current, gates or conductances."""
    rng = np.random.default_rng(seed)
    net = ol.Network.random(n, 4.0, seed=seed)
    nodes = rng.permutation(n).tolist()
    task = ol.Task(nodes[:4], [0.0, *rng.uniform(0, 3, 3)], [nodes[4]], [0.1], currents={nodes[5]: 1e-6})
    return rng, net, task


def mixed(rng, net, **given):
    """Resistors of 1 k to 100 k beside diodes with series resistances, every one its own."""
    m = net.n_edges
    diode = {"saturation": 10 ** rng.uniform(-14, -9, m), "thermal_voltage": 0.0259 * rng.uniform(1, 2, m),
             "series": rng.uniform(1, 100, m), "leak": 1e-9}
    return PerEdge([Linear(), Diode(**diode | given)], rng.integers(0, 2, m)), 10 ** rng.uniform(-5, -3, m)


def gates(rng, net):
    return rng.uniform(0.3, 4, net.n_edges)


def series(rng, net):
    """Level 1 in series with resistances of its own at every edge, leaks at nodes that no option of SPICE could say."""
    ends = {"drain_resistance": rng.uniform(5, 50, net.n_edges), "source_resistance": rng.uniform(5, 50, net.n_edges)}
    leak = rng.uniform(1e-9, 1e-8, net.n_edges)
    return NMOS("level1", **LEVEL1, **ends, leak=1e-7, terminal_leak=leak), gates(rng, net)


LAWS = {
    "linear and diode": mixed,
    "diodes that leak differently": lambda rng, net: mixed(rng, net, leak=rng.uniform(0, 1e-6, net.n_edges)),
    "square": lambda rng, net: (NMOS(gain=1e-3, threshold=0.7, terminal_leak=1e-9), gates(rng, net)),
    "level 1": lambda rng, net: (NMOS("level1", **LEVEL1, terminal_leak=1e-8, node_leak=1e-9), gates(rng, net)),
    "level 1 in series": series,
}


@needs_ngspice
# transients and fits compile level 1 too
@pytest.mark.parametrize("law", [pytest.param(law, id=name, marks=pytest.mark.slow if "level 1" in name else ())
                                 for name, law in LAWS.items()])
def test_operating_points(law, tmp_path):
    """Gates from cut-off to strong inversion; the deck as ngspice solves it and as it is read back."""
    for seed in range(3):
        rng, net, task = drawn(seed)
        edges, values = law(rng, net)
        ours = NonlinearEquilibrium(net, task.sources, edges).solve(
            values, task.source_voltages, task.injected(net.n_nodes))
        deck = net.to_spice(task, values, edges=edges, path=tmp_path / "a.cir")
        _, found = simulate(deck, tmp_path, TOLERANCES)
        scale = np.ptp(ours)
        assert scale > 0.5
        np.testing.assert_allclose(voltages(found, net), ours, atol=1e-6 * scale)
        again = ol.read_spice(tmp_path / "a.cir").voltages()
        np.testing.assert_allclose([again[f"n{k}"] for k in range(net.n_nodes)], ours, atol=1e-12 * scale)


@reference
@pytest.mark.parametrize("name", ["xor_seed3_op.npz", "random20_op.npz"])
def test_published_circuits(name, tmp_path):
    """Decks of transistors, series resistances condensed, against ngspice's operating points of the full circuits."""
    data, law = np.load(Path(os.environ["OHMLEARN_REFERENCE"], "nonlinear", name)), NMOS.ald1106()
    cases = [(data["ends"], data["vg"], data["held"], [0.11, 0.33, *pair], v)
             for pair, v in zip(data["inputs"], data["v"], strict=True)] if "inputs" in data else [
        tuple(data[f"{key}{k}"] for key in ("ends", "vg", "held", "vh", "v")) for k in range(20)]
    for ends, values, held, held_voltages, expected in cases:
        net = ol.Network(ends)
        free = np.setdiff1d(np.arange(net.n_nodes), held)
        net.to_spice(ol.Task(held, held_voltages, free[:1], [0.0]), values, edges=law, path=tmp_path / "a.cir")
        point = ol.read_spice(tmp_path / "a.cir").voltages()
        np.testing.assert_allclose(point.array, expected, atol=2e-6)


@needs_ngspice
@pytest.mark.parametrize("capacitors", ["nodes", "edges"])
def test_transients(capacitors, tmp_path):
    """A step of the held voltages in a network of transistors and capacitors, C dv/dt = -Σ I."""
    rng, net, task = drawn(3, n=8)
    law = NMOS("level1", **LEVEL1, terminal_leak=1e-8)
    values, c, stop = rng.uniform(1.5, 4, net.n_edges), 1e-9, 1.5e-6
    solver = NonlinearEquilibrium(net, task.sources, law)
    start = solver.solve(values, 0.3 * task.source_voltages)
    start[task.sources] = task.source_voltages
    free = np.setdiff1d(np.arange(net.n_nodes), task.sources)
    mass = c * (np.eye(net.n_nodes) if capacitors == "nodes" else (net.incidence.T @ net.incidence).toarray())

    def slope(_t, moving):
        v = start.copy()
        v[free] = moving
        current = solver.derivatives(values, v).current
        into = task.injected(net.n_nodes) - net.incidence.T @ current - solver.leak * v
        return np.linalg.solve(mass[np.ix_(free, free)], into[free])

    path = solve_ivp(slope, (0, stop), start[free], rtol=1e-9, atol=1e-12, dense_output=True)
    deck = net.to_spice(task, values, edges=law, capacitors=capacitors, capacitance=c, start=start, stop=stop,
                        step=stop / 1000)
    times, found = simulate(deck, tmp_path, TOLERANCES.replace("1e-9", "1e-6"))
    for at in (len(times) // 10, len(times) // 3, -1):
        exact = path.sol(times[at])
        assert np.abs(exact - start[free]).max() > 0.05
        np.testing.assert_allclose(voltages(found, net, at)[free], exact, atol=1e-4 * np.abs(exact).max())
    assert np.abs(slope(0, path.y[:, -1])).max() > 1e-3 * np.abs(slope(0, start[free])).max()     # still moving


def same(one, other):
    """Whether two laws have the same numbers; bounds of what learns do not stand in decks."""
    return type(one) is type(other) and all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in fields(one) if field.name not in ("lowest", "highest"))


@pytest.mark.parametrize("law", [
    NMOS.ald1106(), NMOS(gain=0.3, threshold=0.7), NMOS("level1", **LEVEL1, leak=3e-7),
    NMOS("level1", **LEVEL1, terminal_leak=0.7e-8, node_leak=0.3e-9, leak=0.0), Diode(2.5e-9, 0.0453, 0.568, 1e-12),
    Diode(1e-14, leak=0.0)], ids=lambda law: law.kernel)
def test_round_trip_of_one_law(law, tmp_path):
    rng, net, task = drawn(1)
    values = gates(rng, net) if isinstance(law, NMOS) else np.ones(net.n_edges)
    net.to_spice(task, values, edges=law, path=tmp_path / "a.cir")
    read = ol.read_spice(tmp_path / "a.cir")
    assert same(read.edges, law)
    np.testing.assert_array_equal(read.values, values)
    np.testing.assert_array_equal(read.network.edges, net.edges)
    again = read.task(task.targets, task.target_voltages)
    assert dict(zip(again.sources.tolist(), again.source_voltages.tolist(), strict=True)) == dict(
        zip(task.sources.tolist(), task.source_voltages.tolist(), strict=True))
    assert again.currents == task.currents
    text = read.network.to_spice(again, read.values, edges=read.edges)
    assert text.lower().splitlines()[1:] == (tmp_path / "a.cir").read_text().lower().splitlines()[1:]


def test_round_trip_of_several_laws(tmp_path):
    rng, net, task = drawn(2)
    m = net.n_edges
    laws = [Linear(), Diode(rng.uniform(1e-12, 1e-9, m), leak=2e-8),
            NMOS("level1", rng.uniform(1e-4, 1e-3, m), 0.7, 3e-8, body_effect=rng.uniform(0.1, 1, m), modulation=0.1,
                 terminal_leak=2e-8, node_leak=1e-9)]
    edges, values = PerEdge(laws, np.arange(m) % 3), rng.uniform(1, 2, m)
    values[1::3] = 1.0
    net.to_spice(task, values, edges=edges, path=tmp_path / "a.cir")
    read = ol.read_spice(tmp_path / "a.cir")
    np.testing.assert_allclose(read.values, values, rtol=4e-16)
    np.testing.assert_array_equal(read.edges.which, edges.which)
    for k, (one, other) in enumerate(zip(read.edges.laws, laws, strict=True)):
        for field in fields(one):
            if isinstance(getattr(one, field.name), float | np.ndarray):
                pair = (np.broadcast_to(getattr(law, field.name), m)[k::3] for law in (one, other))
                np.testing.assert_array_equal(*pair)


@pytest.mark.parametrize(("law", "message"), [
    (Cubic(), r"SPICE has no element of the law Cubic; .* take Linear\(\), Diode\(\), NMOS\('square'\)"),
    (Sinh(), "no element of the law Sinh"), (Offset(0.1), "no element of the law Offset"),
    (IdealDiode(off=1e-3), "no element of the law IdealDiode"),
    (NMOS("mean"), r"no element of the law NMOS\('mean'\)"), (NMOS("ekv"), r"no element of the law NMOS\('ekv'\)")])
def test_laws_without_an_element(law, message):
    _, net, task = drawn(0)
    with pytest.raises(ValueError, match=message):
        net.to_spice(task, edges=law)


def test_names(tmp_path):
    """Elements keep their letters and their names, and gates keep away from nodes."""
    net = ol.Network([(0, 1), (1, 2), (0, 2)], 3, node_names=("a", "gM1", "b"), edge_names=("M1", "rest", "load"))
    law = PerEdge([NMOS(leak=0.0), Diode(leak=0.0), Linear()], [0, 1, 2])
    text = net.to_spice(ol.Task([0, 2], [1.0, 0.0], [1], [0.5]), [2.5, 1.0, 0.5], edges=law, path=tmp_path / "a.cir")
    assert "\nM1 a ggM1 gM1 0 nmos0 w=1u l=1u\n" in text
    assert "\nDrest gM1 b d1\n" in text
    assert "\nRload a b 2.0\n" in text
    assert "\nVggM1 ggM1 0 2.5\n" in text
    read = ol.read_spice(tmp_path / "a.cir")
    assert list(read.resistors) == ["m1", "drest", "rload"]
    assert "3 nodes, 1 resistors, 1 diodes, 1 transistors, 2 voltage sources, " in repr(read)
