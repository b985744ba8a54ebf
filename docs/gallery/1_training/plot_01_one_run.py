"""
One network, one task, one run
==============================

Ten held nodes, three targets, R = 1. The equilibrium cost C* falls by six decades; the cost C of the voltages as they
are, out of equilibrium, follows.
"""
import numpy as np
import ohmlearn as ol

net = ol.Network.packing(64, seed=1)
task = ol.Task.allosteric(net, sources=10, targets=3, seed=3)
run = ol.train(net, task, rate=1.0, until=1e-6, record=ol.Record(per_decade=20))
run.plot()
print(run)

# %%
# The costs are those of the equations: what the network gives at the end is what was asked.
learned = ol.voltages(net, task, run.conductances)[task.targets]
error = np.sum((learned - task.target_voltages) ** 2)
print(learned, task.target_voltages)
assert run.status == "reached"
assert abs(error / run.initial_cost - run.final_cost) < 1e-9
assert error < 1.01e-6 * run.initial_cost
