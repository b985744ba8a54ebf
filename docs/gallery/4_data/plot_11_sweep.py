"""
A sweep, stored, and read with xarray
=====================================

Tasks times rates in one store. Run again, the sweep has nothing left to do; with more rates it computes those alone.
"""
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol

tables = {"network": {"packing": {"n_nodes": 64, "seed": 1}},
          "tasks": {"allosteric": {"count": 6, "feasible": True}},
          "sweep": {"rates": {"from": 0.1, "to": 1e3, "per_decade": 1}}}
folder = tempfile.TemporaryDirectory()
first = ol.Sweep.from_tables(tables).run(folder.name, threads=1, progress=False)
tables["sweep"]["rates"]["to"] = 1e4
second = ol.Sweep.from_tables(tables).run(folder.name, threads=1, progress=False)
results = ol.open_results(folder.name).load()
print(results)

fig, ax = plt.subplots(layout="constrained")
tau = results.training_time
tau.median("task").plot(ax=ax, marker="o", label="median")
quartiles = tau.quantile([0.25, 0.75], "task")
ax.fill_between(tau.rate, *quartiles, alpha=0.3, label="quartiles")
ax.set(xscale="log", yscale="log", xlabel="R = γl/γp", ylabel="training time τ (1/γp)")
ax.legend()

# %%
print(first.computed, "members first, then", second.computed)
assert (first.computed, second.computed) == (30, 6)
assert results.sizes["task"] == 6
assert np.all(results.status.isin(["reached", "out of time", "stalled"]))
folder.cleanup()
