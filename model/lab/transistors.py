"""The transistor circuit of the laboratory: its board of 16 nodes and 32 edges, and the tasks that it is shown with."""
from __future__ import annotations

import numpy as np
from ohmlearn.network import Network
from ohmlearn.task import Task

SIDE = 4
RAILS = {5: 0.11, 7: 0.33}          # V, of nodes held all the time
INPUTS = (15, 13)
OUTPUT = (10, 0)                    # V of the first less that of the second
LEVELS = (0.0, 0.45)                # V of an input that is false or true
WANTED = (0.0, -0.087)              # V of an output that is false or true


def transistor_network() -> Network:
    """The board: a periodic 4×4 grid with an n-channel transistor at every edge (Dillavou et al., PNAS 121,
    e2319718121 (2024)). Edges are numbered as in the published simulations, which draw one gate after another.

    Returns a :class:`Network`.

    >>> import ohmlearn as ol
    >>> ol.lab.transistor_network()
    <Network 'transistor board': 16 nodes, 32 edges>
    """
    edges = []
    for row in range(SIDE):
        for column in range(SIDE):
            here = SIDE * row + column
            for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                there = SIDE * ((row + down) % SIDE) + (column + right) % SIDE
                if there > here:
                    edges.append((here, there))
    places = np.array([(column + 0.5, SIDE - row - 0.5) for row in range(SIDE) for column in range(SIDE)])
    return Network(np.array(edges), SIDE * SIDE, places, float(SIDE), "transistor board")


def xor_samples() -> tuple[Task, ...]:
    """XOR as the transistor circuit was taught it: two rails, two inputs of 0 or 0.45 V, and the difference of two
    nodes as output, 0 V or -0.087 V.

    Returns the four samples, tasks in V.

    >>> import ohmlearn as ol
    >>> [float(sample.target_voltages[0]) for sample in ol.lab.xor_samples()]
    [0.0, -0.087, -0.087, 0.0]
    """
    cases = [(a, b) for a in (0, 1) for b in (0, 1)]
    return tuple(Task(RAILS | {INPUTS[0]: LEVELS[a], INPUTS[1]: LEVELS[b]}, {OUTPUT: WANTED[a ^ b]}) for a, b in cases)


def regression_samples() -> tuple[Task, ...]:
    """The regression that the transistor circuit was taught: eight points of a function with a bend, one input and one
    output node between rails at 0 and 0.45 V (points of the published simulations, PyCLLN).

    Returns the eight samples, tasks in V.

    >>> import ohmlearn as ol
    >>> len(ol.lab.regression_samples())
    8
    """
    inputs = (0.0005, 0.0628, 0.1251, 0.1873, 0.2479, 0.3118, 0.3724, 0.4347)
    outputs = (0.1088, 0.1472, 0.1872, 0.2256, 0.2649, 0.3041, 0.3041, 0.3041)
    low, high = RAILS
    return tuple(Task({low: 0.0, high: LEVELS[1], INPUTS[0]: x}, {OUTPUT[0]: y})
                 for x, y in zip(inputs, outputs, strict=True))


def published_gates(seed: int, epochs: int) -> tuple[np.ndarray, np.ndarray]:
    """Gates and orders of the published runs of the transistor circuit: gates are uniform from 0.5 to 3 V, and the four
    samples are shuffled in every epoch, both by NumPy's legacy generator.

    seed : of the generator, as published. epochs : number of orders.

    Returns (32,) gate voltages in V and (epochs, 4) numbers of samples.

    >>> import ohmlearn as ol
    >>> gates, order = ol.lab.published_gates(3, 2)
    >>> gates[:2].round(4).tolist(), order.shape
    ([1.877, 2.2704], (2, 4))
    """
    draw = np.random.RandomState(seed)    # the generator of the published runs
    gates, order = draw.uniform(0.5, 3.0, 32), np.empty((epochs, 4), dtype=np.int64)
    for epoch in range(epochs):
        current = np.arange(4)
        draw.shuffle(current)
        order[epoch] = current
    return gates, order
