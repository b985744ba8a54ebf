"""
An exact symmetry
=================

Twice the voltages at a quarter of the rate is the same learning: V → aV, R → R/a² leaves G(t) unchanged. With a
power of two it holds bit for bit, at any number of threads.
"""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol

net = ol.Network.packing(64, seed=1)
task = ol.Task.allosteric(net, seed=3)
double = ol.Task(task.sources, 2 * task.source_voltages, task.targets, 2 * task.target_voltages)
one = ol.train(net, task, 8.0, t_max=200.0)
two = ol.train(net, double, 2.0, t_max=200.0)

fig, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
for ax, t, run in zip(axes, (task, double), (one, two), strict=True):
    net.plot(ax, nodes=ol.voltages(net, t, run.conductances), edges=run.conductances, task=t)
    ax.set_title(f"R = {run.rate:g}, τ = {run.training_time:.4f}")

# %%
print(np.abs(one.conductances - two.conductances).max())
assert np.array_equal(one.conductances, two.conductances)
assert one.training_time == two.training_time
