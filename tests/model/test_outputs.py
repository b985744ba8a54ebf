"""Drives and outputs of a task beyond held nodes and target nodes."""
import pickle
from dataclasses import replace

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.outputs import Held

RING = ol.Network.from_edges([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]])


def test_nodal_task_keeps_its_arrays():
    task = ol.Task([0, 3], [1.0, 0.0], [1], [0.4])
    assert task.is_nodal
    assert task.is_linear
    assert task.sources.tolist() == [0, 3]
    assert task.targets.tolist() == [1]
    assert task.target_voltages.tolist() == [0.4]
    task.require_nodal("the test")


def test_currents_pairs_and_ground():
    task = ol.Task(currents={3: 1.0, 1: -1.0}, targets=[(0, 2)], target_voltages=[0.4], ground=0)
    assert not task.is_nodal
    assert task.sources.tolist() == [0]
    assert task.source_voltages.tolist() == [0.0]
    assert task.targets.tolist() == [[0, 2]]
    assert task.injected(4).tolist() == [0, -1, 0, 1]
    assert task.output_matrix(4).toarray().tolist() == [[1, 0, -1, 0]]
    task.check(RING)
    assert not np.isfinite(task.bounds).any()
    with pytest.raises(NotImplementedError, match="RK4 knows held nodes and target nodes only"):
        task.require_nodal("RK4")
    again = pickle.loads(pickle.dumps(replace(task, target_voltages=[0.5])))
    assert again.sources.tolist() == [0]
    assert again.target_voltages.tolist() == [0.5]


def test_mixed_outputs():
    bend = ol.tasks.Constraint(lambda v: v[1] ** 2, lambda v: np.array([0, 2 * v[1], 0, 0]))
    task = ol.Task([0], [1.0], [1, (2, 3), {1: 1.0, 2: -2.0, 3: 1.0}, bend], [0, 0, 0, 0], ground=3)
    assert isinstance(task.targets, tuple)
    assert not task.is_linear
    matrix = replace(task, targets=task.targets[:3], target_voltages=[0, 0, 0]).output_matrix(4).toarray()
    assert matrix.tolist() == [[0, 1, 0, 0], [0, 0, 1, -1], [0, 1, -2, 1]]
    with pytest.raises(TypeError, match="nonlinear constraint has no fixed weights"):
        task.output_matrix(4)


@pytest.mark.parametrize(("drive", "targets", "bounds"), [
    (dict(sources=[0, 3], source_voltages=[1.0, -0.5]), [1], [[-0.5, 1.0]]),
    (dict(sources=[0, 3], source_voltages=[1.0, -0.5]), [(1, 2)], [[-1.5, 1.5]]),
    (dict(drops={(0, 3): 2.0}), [(1, 2)], [[-2.0, 2.0]]),
    (dict(drops={(0, 3): 2.0}, ground=1), [(2, 3)], [[-4.0, 4.0]]),
    (dict(drops={(0, 3): 2.0}, ground=3), [{1: 2.0}], [[0.0, 4.0]]),
])
def test_bounds_hold_for_random_conductances(drive, targets, bounds):
    task = ol.Task(**drive, targets=targets, target_voltages=[0.0])
    assert task.bounds.tolist() == bounds
    held = np.zeros((0, 4))
    values = []
    for node, value in zip(task.sources, task.source_voltages, strict=True):
        held, values = np.vstack([held, np.eye(4)[node]]), [*values, value]
    for (a, b), value in task.drops.items():
        held, values = np.vstack([held, np.eye(4)[a] - np.eye(4)[b]]), [*values, value]
    if not task.sources.size:
        held, values = np.vstack([held, np.full(4, 0.5)]), [*values, 0.0]
    rng, incidence = np.random.default_rng(0), RING.incidence.toarray()
    for _ in range(200):
        laplacian = incidence.T @ np.diag(10 ** rng.uniform(-4, 4, 5)) @ incidence
        border = np.block([[laplacian, held.T], [held, np.zeros((len(held), len(held)))]])
        v = np.linalg.solve(border, np.append(np.zeros(4), values))[:4]
        out = task.output_matrix(4) @ v
        assert bounds[0][0] - 1e-9 <= out[0] <= bounds[0][1] + 1e-9


def test_held_voltages_and_drops_chain():
    held = Held({0: 1.0}, {(2, 3): 0.5, (3, 0): 0.25, (5, 6): 1.0})
    assert held.potential[3] == 1.25
    assert held.potential[2] == 1.75
    assert held.determines({2: 1.0})
    assert held.determines({5: 1.0, 6: -1.0})
    assert not held.determines({5: 1.0})
    assert not held.determines({1: 1.0, 2: -1.0})


@pytest.mark.parametrize(("task", "words"), [
    (dict(targets=[1], target_voltages=[0.0]), "a task needs sources"),
    (dict(ground=0), "a task needs targets"),
    (dict(sources=[0], source_voltages=[1.0], targets=[0], target_voltages=[0.0]), "both source and target"),
    (dict(sources=[0, 1], source_voltages=[1, 0], targets=[(1, 0)], target_voltages=[0]), "fixed by the held voltages"),
    (dict(drops={(0, 1): 1.0}, targets=[(1, 0)], target_voltages=[0.0]), "fixed by the held voltages"),
    (dict(drops={(0, 1): 1.0, (1, 0): 2.0}, targets=[2], target_voltages=[0.0]), "follows from the other"),
    (dict(drops={(0, 0): 1.0}, targets=[2], target_voltages=[0.0]), "pair of different nodes"),
    (dict(currents={-1: 1.0}, targets=[2], target_voltages=[0.0]), "currents belong to nodes numbered from 0"),
    (dict(currents={1: np.nan}, targets=[2], target_voltages=[0.0]), "it must be finite"),
    (dict(ground=0, targets=[(1, 2), (2, 1)], target_voltages=[0, 0]), "listed twice"),
    (dict(ground=0, targets=[(1, 1)], target_voltages=[0]), "its drop is always 0"),
    (dict(ground=0, targets=[(1, 2, 3)], target_voltages=[0]), "one node or a pair"),
    (dict(ground=0, targets=[1, 2], target_voltages=[0]), "equally long"),
    (dict(sources=[0], source_voltages=[1.0], ground=0, targets=[1], target_voltages=[0]), "another voltage than 0"),
])
def test_bad_tasks(task, words):
    with pytest.raises(ValueError, match=words):
        ol.Task(**task)


def test_tasks_that_do_not_fit_the_network():
    with pytest.raises(ValueError, match=r"add up to 0.5, not to 0; balance them or ground a node there"):
        ol.Task(currents={0: 1.0, 1: -0.5}, targets=[(2, 3)], target_voltages=[0.1]).check(RING)
    two = ol.Network.from_edges([[0, 1], [2, 3]])
    with pytest.raises(ValueError, match="node 2 lies in a part of the network that no source touches"):
        ol.Task(currents={0: 1.0, 1: -1.0}, targets=[(2, 3)], target_voltages=[0.1]).check(two)
    with pytest.raises(ValueError, match="target node 7 is not in the network"):
        ol.Task(ground=0, targets=[(1, 7)], target_voltages=[0.1]).check(RING)
    ol.Task(currents={0: 1.0, 3: -1.0}, drops={(1, 2): 1.0}, targets=[(0, 3)], target_voltages=[0.1]).check(two)
