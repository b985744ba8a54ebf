"""
Learning one thing after another
================================

A trained network is a starting point: ``conductances=`` takes an array, or an earlier run. Here a network learns
task A, then task B, and is asked what it still knows of A.
"""
import numpy as np
import ohmlearn as ol

net = ol.Network.packing(64, seed=1)
a = ol.Task.allosteric(net, sources=10, targets=1, seed=3, feasible=True)
b = ol.Task(a.sources, -a.source_voltages, a.targets, 0.5 * a.target_voltages)
first = ol.train(net, a, rate=1.0)
then = ol.train(net, b, rate=1.0, conductances=first.conductances, record=ol.Record(per_decade=20))
fresh = ol.train(net, b, rate=1.0, record=ol.Record(per_decade=20))

ax = then.plot()
ax.plot(fresh.training_steps[1:], fresh.equilibrium_cost[1:], "C2:", label="from G = 1")
ax.legend()


# %%
def error(task: ol.Task, run: ol.Run) -> float:
    """Sum of the squared errors at equilibrium, in V²."""
    given = ol.voltages(net, task, run.conductances)[task.targets]
    return float(np.sum((given - task.target_voltages) ** 2))


print(f"error of A after A: {error(a, first):.2e} V², after B: {error(a, then):.2e} V²")
print(f"error of B after B: {error(b, then):.2e} V²")
assert error(b, then) < 1.01e-6 * then.initial_cost
assert error(a, then) > 100 * error(a, first)
