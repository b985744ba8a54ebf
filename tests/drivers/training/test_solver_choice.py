"""The backend that a large network is solved with is a choice of train, of a sweep's file and of the command line."""
import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.sweeps.sweep import Sweep
from ohmlearn.drivers.training.large_loop import LargeQuasistatic, LargeRK4, OneMachine

NET = ol.Network.delaunay(4100, seed=3)
TASK = ol.Task.allosteric(NET, 5, 2, 0, feasible=True)


def test_amg_gives_the_same_training_as_the_default():
    runs = [ol.train(NET, TASK, 0.0, until=0.5, tolerance=1e-2, solver=solver) for solver in ("auto", "amg")]
    assert runs[0].training_time == pytest.approx(runs[1].training_time, rel=1e-5)
    np.testing.assert_allclose(runs[0].conductances, runs[1].conductances, rtol=1e-4)


def test_the_choice_reaches_both_ways_of_training():
    table = {"network": {"delaunay": {"n_nodes": 4100, "seed": 3}}, "tasks": {"allosteric": {"count": 1}},
             "sweep": {"rates": [0.0, 1.0], "solver": "amg"}}
    ensemble = Sweep.from_tables(table).ensemble
    machine = OneMachine(ensemble, 1)
    assert LargeQuasistatic(ensemble, 0, machine).flow.circuit.stats.method == "amg"
    assert LargeRK4(ensemble, 1, machine).circuit.stats.method == "amg"


def test_small_networks_and_unknown_names_are_refused():
    with pytest.raises(ValueError, match="solver='amg' is for networks of more than 4000 nodes"):
        ol.train(ol.Network.packing(64, seed=1), ol.Task.allosteric(ol.Network.packing(64, seed=1)), 1.0, solver="amg")
    with pytest.raises(ValueError, match="method must be 'auto' or one of"):
        ol.train(NET, TASK, 1.0, solver="jacobi")
