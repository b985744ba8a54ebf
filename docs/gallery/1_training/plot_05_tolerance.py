"""
What the tolerance buys
=======================

``tolerance`` is the relative error of the training time that a run may have; the steps and the looks at C* follow
from it. Here against runs at 1e-7. The few runs far above the line ring: their C* dips below the threshold for less
than a hundredth of their time, and a coarse run steps over the first such dip.
"""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol

net = ol.Network.packing(64, seed=1)
rates = np.tile([0.3, 3.0, 30.0, 1e3], 3)
tasks = [ol.Task.allosteric(net, seed=seed, feasible=True) for seed in (3, 4, 6) for _ in range(4)]
truth = ol.train(net, tasks, rates, tolerance=1e-7, method="rk4").training_time

tolerances = [1e-1, 1e-2, 1e-3, 1e-4]
runs = [ol.train(net, tasks, rates, tolerance=tolerance) for tolerance in tolerances]
errors = [abs(r.training_time / truth - 1) for r in runs]

fig, ax = plt.subplots(layout="constrained")
ax.loglog(tolerances, errors, "o", color="C0", mfc="none")
ax.loglog(tolerances, tolerances, "k--", lw=1, label="error = tolerance")
for tolerance, r in zip(tolerances, runs, strict=True):
    ax.annotate(f"{r.n_steps.mean():.0f} steps", (tolerance, 1e-8), ha="center", fontsize=8)
ax.set(xlabel="tolerance", ylabel="relative error of τ", xlim=(4e-5, 0.25), ylim=(5e-9, 1))
ax.legend()

# %%
middle = np.median(errors, axis=1)
for tolerance, error in zip(tolerances, middle, strict=True):
    print(f"tolerance {tolerance:g}: median error {error:.1e}")
print(f"largest error at 1e-4: {np.max(errors[3]):.1e}")
assert np.all(middle < tolerances)
assert np.max(errors[3]) < 1e-4
