"""
Resistances of the square lattice
=================================

Between neighbours of an infinite square lattice of unit resistors the resistance is 1/2, across the diagonal of a
square 2/π. On a torus of n nodes and 2n edges the first is exactly (n - 1)/2n, by Foster's theorem.
"""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol

side = 60
net = ol.Network.grid(side, side, periodic=True)
circuit = ol.Equilibrium(net, held=[0])                      # node 0 is ground
others = {"neighbour": 1, "diagonal": side + 1, "two along": 2}
currents = np.zeros((net.n_nodes, len(others)))
currents[list(others.values()), range(len(others))] = 1.0    # one ampere into each, a column at a time
voltages = circuit.solve(1.0, currents=currents)
resistance = {name: voltages[node, k] for k, (name, node) in enumerate(others.items())}
print("solved by", circuit.stats.method, f"to a residual of {circuit.stats.residual:.1e}")
for name, ohms in resistance.items():
    print(f"{name}: {ohms:.6f}")

fig, ax = plt.subplots(layout="constrained")
picture = np.roll(voltages[:, 1].reshape(side, side), (side // 2, side // 2), (0, 1))
middle = picture[18:42, 18:42]
ax.contourf(middle, levels=np.linspace(middle.min(), middle.max(), 40))
ax.set(aspect="equal", xticks=[], yticks=[])
ax.set_title("voltage with 1 A from a node to its diagonal neighbour")

# %%
# Foster: over all edges, the resistances add up to n - 1; here every edge is like every other.
assert abs(resistance["neighbour"] - (net.n_nodes - 1) / net.n_edges) < 1e-9
assert abs(resistance["diagonal"] - 2 / np.pi) < 1e-3
assert abs(resistance["two along"] - (2 - 4 / np.pi)) < 2e-3
