"""
The quasistatic limit is a rate like any other
==============================================

``rate=0`` lets the voltages be at equilibrium always; its time is counted in training steps. Slow rates fall on it
when their time is counted so, too (paper 1, Fig. 2a).
"""
import numpy as np
import ohmlearn as ol

net = ol.Network.packing(64, seed=1)
task = ol.Task.allosteric(net, sources=5, targets=3, seed=12, feasible=True)
runs = ol.train(net, task, [0.0, 1e-3, 1e-2, 1e-1, 1.0, 10.0], record=ol.Record(per_decade=20))
runs.plot(against="steps")

# %%
# Training steps to the threshold, R τ:
steps = runs.training_time * np.where(runs.rate > 0, runs.rate, 1)
for rate, count in zip(runs.rate, steps, strict=True):
    print(f"R = {rate:5g}: {count:.2f} training steps")
assert np.all(runs.status == "reached")
assert np.allclose(steps[1:3], steps[0], rtol=0.01)
