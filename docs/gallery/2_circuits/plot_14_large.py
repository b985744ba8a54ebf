"""
Ten thousand nodes
==================

The same calls for a large network, by a sparse solver. A potential difference across a sheet of random conductances
that span four decades: the current that enters is the current that leaves.
"""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol

net = ol.Network.delaunay(10_000, seed=3)
x = net.positions[:, 0]
left, right = np.flatnonzero(x < 0.02), np.flatnonzero(x > 0.98)
conductances = 10 ** np.random.default_rng(0).uniform(-4, 0, net.n_edges)
circuit = ol.Equilibrium(net, held=np.append(left, right))
voltages = circuit.solve(conductances, np.append(np.ones(left.size), np.zeros(right.size)))

power = conductances * (net.incidence @ voltages) ** 2
fig, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
picture = axes[0].scatter(*net.positions.T, c=voltages, s=3)
fig.colorbar(picture, ax=axes[0], label="voltage (V)")
a, b = net.edges[np.argsort(power)[-1500:]].T
axes[1].plot(np.stack([x[a], x[b]]), net.positions[[a, b], 1], "C3", lw=1.2)
axes[1].set(title="the 1500 edges that dissipate most", aspect="equal")
axes[0].set(title="voltages", aspect="equal")

# %%
currents = net.incidence.T @ (conductances * (net.incidence @ voltages))
print(f"{currents[left].sum():.6f} A in, {-currents[right].sum():.6f} A out; power {power.sum():.6f} W")
assert abs(currents.sum()) < 1e-9
assert abs(power.sum() / currents[left].sum() - 1) < 1e-9         # P = V I at 1 V
