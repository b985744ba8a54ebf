"""
Training time against the rate
==============================

Below R ≈ 1 the voltages keep up with the conductances and a run takes a fixed number of training steps, τ ∝ 1/R.
Above, learning waits for the voltages and τ ∝ R\\ :sup:`-1/2` (paper 1, Fig. 2d).
"""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol

net = ol.Network.packing(64, seed=1)
tasks = [ol.Task.allosteric(net, seed=seed, feasible=True) for seed in range(8)]
rates = np.logspace(-2, 6, 9)
runs = ol.train(net, [task for task in tasks for _ in rates], np.tile(rates, len(tasks)))
tau = runs.training_time.reshape(len(tasks), -1)    # (tasks, rates), NaN where not reached
median = np.nanmedian(tau, axis=0)

fig, ax = plt.subplots(layout="constrained")
ax.loglog(rates, tau.T, ".", color="0.7", ms=4)
ax.loglog(rates, median, "o-", label="median of the tasks that got there")
ax.loglog(rates[:3], median[0] * (rates[:3] / rates[0]) ** -1, "k--", label="1/R")
ax.loglog(rates[4:], median[-1] * (rates[4:] / rates[-1]) ** -0.5, "k:", label="1/√R")
ax.set(xlabel="R", ylabel="training time τ (1/γp)",
       title=f"{np.isfinite(tau).sum()} of {tau.size} runs reached 1e-6")
ax.legend()

# %%
# The two slopes:
slow = np.polyfit(np.log(rates[:2]), np.log(median[:2]), 1)[0]
fast = np.polyfit(np.log(rates[5:]), np.log(median[5:]), 1)[0]
print(f"{slow:.3f} below R = 0.1, {fast:.3f} above R = 1e3")
assert abs(slow + 1) < 0.03
assert abs(fast + 0.5) < 0.1
