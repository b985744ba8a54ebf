"""Decks of networks over six decades, at rest and relaxing, against ngspice and the exact solution of the circuit."""
import numpy as np
import ohmlearn as ol
import pytest
from ngspice import needs_ngspice, simulate, voltages
from scipy.linalg import expm

# tighter tolerances than these make ngspice give up where conductances span six decades
TRANSIENT = ".options reltol=1e-6 abstol=1e-9 vntol=1e-9 gmin=1e-15"
KINDS = [("held", "nodes"), ("held", "edges"), ("floating", "nodes"), ("floating", "edges")]


def drawn(seed, kind):
    """Network, task, conductances over six decades, voltages at the start."""
    rng = np.random.default_rng([seed, len(kind)])
    net = ol.Network.random(int(rng.integers(8, 24)), 4.0, seed=seed)
    nodes = rng.permutation(net.n_nodes).tolist()
    drive = {"currents": {nodes[0]: 1.0, nodes[1]: -0.25, nodes[2]: -0.75}} if kind == "floating" else {
        "sources": nodes[:3], "source_voltages": rng.normal(size=3), "currents": {nodes[4]: 0.5}}
    task = ol.Task(targets=[nodes[3]], target_voltages=[0.1], **drive)
    start = rng.normal(size=net.n_nodes)
    start[task.sources] = task.source_voltages
    return net, task, 10 ** rng.uniform(-3, 3, net.n_edges), start - (start[0] if kind == "floating" else 0.0)


def relaxed(net, task, g, start, capacitors, c, stop):
    """Exact voltages: K dv/dt = I - L v at the nodes that move, K of the capacitors."""
    laplacian, kirchhoff = ((net.incidence.T @ (net.incidence * x[:, None])).toarray()
                            for x in (g, np.full(net.n_edges, c)))
    mass = kirchhoff if capacitors == "edges" else c * np.eye(net.n_nodes)
    # without capacitors to ground a floating network is followed relative to its first node
    held = task.sources if len(task.sources) or capacitors == "nodes" else np.array([0])
    free = np.setdiff1d(np.arange(net.n_nodes), held)
    push = task.injected(net.n_nodes)[free] - laplacian[np.ix_(free, held)] @ start[held]
    n = free.size
    rates = np.zeros((n + 1, n + 1))
    rates[:n] = np.linalg.solve(mass[np.ix_(free, free)], np.column_stack([-laplacian[np.ix_(free, free)], push]))
    v = start.copy()
    v[free] = (expm(stop * rates) @ np.append(start[free], 1.0))[:n]
    return v


@needs_ngspice
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_forty_networks(tmp_path, kind):
    drive, capacitors = kind
    for seed in range(10):
        net, task, g, start = drawn(seed, drive)
        _, found = simulate(net.to_spice(task, g), tmp_path)
        spice, ours = voltages(found, net), ol.voltages(net, task, g)
        if drive == "floating":
            spice, ours = spice - spice[0], ours - ours[0]
        np.testing.assert_allclose(spice, ours, atol=1e-6 * np.ptp(ours))
        (tmp_path / "a.cir").write_text(net.to_spice(task, g))
        again = ol.read_spice(tmp_path / "a.cir").voltages().array[:net.n_nodes]
        np.testing.assert_allclose(again - again[0], ours - ours[0], atol=1e-9 * np.ptp(ours))
        c, stop = 1.0, 0.2
        deck = net.to_spice(task, g, capacitors=capacitors, capacitance=c, start=start, stop=stop, step=stop / 4000)
        times, found = simulate(deck, tmp_path, TRANSIENT)
        assert times[-1] == pytest.approx(stop)
        exact = relaxed(net, task, g, start, capacitors, c, stop)
        assert np.abs(exact - start).max() > 0.01 * np.abs(start).max()
        np.testing.assert_allclose(voltages(found, net), exact, atol=1e-6 * np.abs(exact).max())
