"""What a type checker knows of the calls of a first hour. `make lint` checks this file; it is never run.

Where a call would lose its precise type, `assert_type` is an error.
"""
from typing import assert_type

import matplotlib.axes
import numpy as np
import ohmlearn as ol
from numpy.typing import NDArray
from ohmlearn.drivers.descent.descend import Descent

net = ol.Network.grid(4, 4)
task = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})

assert_type(net, ol.Network)
assert_type(net.edges, NDArray[np.int64])
assert_type(net.plot(task=task), matplotlib.axes.Axes)

run = ol.train(net, task, rate=1.0, until=1e-3, record=ol.Record(per_decade=10))
assert_type(run, ol.Run)
assert_type(run.training_time, float)
assert_type(run.conductances, NDArray[np.float64])
assert_type(run.plot(), matplotlib.axes.Axes)
assert_type(ol.train(net, task, 1, rule=ol.rules.GradientFlow()), ol.Run)
assert_type(ol.train(net, (task, task), 0.0, conductances=run, progress=True), ol.Run)

runs = ol.train(net, task, rate=[0.1, 1.0])
assert_type(runs, ol.Runs)
assert_type(runs[0], ol.Run)
assert_type(runs[1:], ol.Runs)
assert_type(runs.median(), NDArray[np.float64])
assert_type(runs.plot(against="time"), matplotlib.axes.Axes)
assert_type(ol.train(net, [task], 1.0), ol.Runs)
assert_type(ol.train(net, {"one": task}, np.logspace(-1, 1, 3), grid=True), ol.Runs)
assert_type(ol.train(net, task, 1.0, grid=True), ol.Runs)

end = ol.descend(net, task, until=1e-6)
assert_type(end, Descent)
assert_type(end.conductances, NDArray[np.float64])
assert_type(ol.descend(net, [task, task], max_steps=10), list[Descent])
assert_type(ol.descend([net, net], task), list[Descent])

board = ol.lab.lab_network()
assert_type(ol.lab.train(board, ol.lab.lab_task(board), 0.1), ol.lab.LabRun)
assert_type(ol.lab.train(board, ol.lab.lab_task(board), [0.1, 1.0]), ol.lab.LabRuns)

ol.train(net, task, 1.0, untill=1e-3)        # type: ignore[call-overload]
ol.train(net, task, 1.0, method="fast")      # type: ignore[call-overload]
ol.descend(net, task, steps=3)               # type: ignore[call-overload]
