"""
The lab circuit
===============

Twin networks of nine nodes, potentiometers with 128 steps, capacitors beside them, comparators with noise: the
experiment of paper 1. Sixteen tasks at four rates.
"""
import numpy as np
import ohmlearn as ol

board = ol.lab.lab_network()
tasks = [ol.lab.lab_task(board, seed) for seed in range(16)]
rates = np.array([0.01, 0.1, 1.0, 10.0])
runs = ol.lab.train(board, [task for task in tasks for _ in rates], np.tile(rates, 16), steps=1500)
runs[:4].plot(against="time")

# %%
# Below R = 0.1 the number of training steps does not depend on R; noise ends all learning at some floor.
steps = np.nanmedian(runs.steps.reshape(16, 4), axis=0)
floor = np.median(runs.floor.reshape(16, 4), axis=0)
for rate, count, low in zip(rates, steps, floor, strict=True):
    print(f"R = {rate:5g}: {count:5g} training steps, floor {low:.1e} C(0)")
assert 0.8 < steps[1] / steps[0] < 1.25
assert steps[3] > steps[2]
assert np.all(floor[:3] < 3e-3)
