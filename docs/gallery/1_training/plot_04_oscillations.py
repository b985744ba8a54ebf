"""
Learning that rings
===================

Far above R = 1 the voltages lag behind the conductances, and errors swing through zero before they settle. The cost
then turns again and again, at a rate that grows as √R (paper 1, Fig. 3a).
"""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol

net = ol.Network.packing(64, seed=1)
task = ol.Task.allosteric(net, seed=4, feasible=True)
rates = np.array([1e2, 1e4, 1e6])
fig, axes = plt.subplots(3, 1, figsize=(6, 6), sharey=True, layout="constrained")
turns = []
for ax, rate in zip(axes, rates, strict=True):
    times = np.linspace(0, 100 / np.sqrt(rate), 2001)
    run = ol.train(net, task, rate, until=None, t_max=times[-1], record=ol.Record(times=times))
    ax.semilogy(run.times, run.cost, label="C, out of equilibrium")
    ax.semilogy(run.times, run.equilibrium_cost, "--", label="C*, at equilibrium")
    ax.set(title=f"R = {rate:.0e}", ylim=(1e-12, 1e3), xlabel="time (1/γp)", ylabel="cost")
    turns.append(np.count_nonzero(np.diff(np.sign(np.diff(run.cost)))))
axes[0].legend(loc="upper right", fontsize=8, ncols=2)

# %%
# Minima and maxima of C in a time of 100/√R; a law of √R gives the same number for four decades of R.
for rate, count in zip(rates, turns, strict=True):
    print(f"R = {rate:7g}: {count} turns")
assert min(turns) >= 10
assert max(turns) <= 1.5 * min(turns)
