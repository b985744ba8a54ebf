"""
Networks to start from
======================

Contact networks of jammed disks as in paper 1, Delaunay triangulations thinned to the same mean degree, lattices and
random graphs; and any edge list, file or networkx graph.
"""
import matplotlib.pyplot as plt
import ohmlearn as ol

networks = [ol.Network.packing(64, seed=1), ol.Network.delaunay(64, seed=2),
            ol.Network.grid(8, 8, periodic=True), ol.Network.random(24, mean_degree=4, seed=3)]
fig, axes = plt.subplots(2, 2, figsize=(8, 8), layout="constrained")
for ax, net in zip(axes.flat, networks, strict=True):
    net.plot(ax)
    print(net, f"mean degree {net.degree.mean():.2f}")

# %%
# A packing has lost its rattlers and keeps a little more than four contacts a disk, the number at which it
# just holds together.
packing = networks[0]
assert 62 <= packing.n_nodes <= 64
assert 4 < packing.degree.mean() < 4.8
assert networks[2].n_edges == 2 * 64
