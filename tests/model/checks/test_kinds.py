"""Kinds of arguments: refused alike wherever they are given, with the name and the value in the message."""
import copy
import pickle

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.checks.kinds import flag, number, reals, whole

NET = ol.Network.grid(4, 4)
TASK = ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})
NO_NUMBER = [True, np.True_, "3", 1j, [1.0], None, b"1", np.ma.masked, 10**400]
NO_WHOLE = [*NO_NUMBER, 2.5, 2.0, np.float64(3)]
NO_FLAG = [1, 0, "yes", None, 1.0, [True]]
SEED = [*NO_WHOLE, -1]

GIVEN = {
    "Rule.nudge": (lambda x: ol.Rule(nudge=x), NO_NUMBER), "Rule.seed": (lambda x: ol.Rule(seed=x), SEED),
    "GradientFlow.floor": (lambda x: ol.rules.GradientFlow(floor=x), NO_NUMBER),
    "Schedule.slow_down": (lambda x: ol.Schedule(slow_down=x), NO_NUMBER),
    "Schedule.blend": (lambda x: ol.Schedule(switching=1.0, blend=x), NO_FLAG),
    "Record.per_decade": (lambda x: ol.Record(per_decade=x), [x for x in NO_WHOLE if x is not None]),
    "Record.start": (lambda x: ol.Record(per_decade=3, start=x), NO_NUMBER),
    "Discrete.step": (lambda x: ol.rules.Discrete(step=x), NO_NUMBER),
    "Discrete.seed": (lambda x: ol.rules.Discrete(seed=x), SEED),
    "Network.n_nodes": (lambda x: ol.Network(NET.edges, n_nodes=x), NO_WHOLE),
    "Task.ground": (lambda x: ol.Task([0], [1.0], [6], [0.7], ground=x), [x for x in NO_WHOLE if x is not None]),
    "Task.rejected": (lambda x: ol.Task([0, 15], [1.0, 0.0], [6], [0.7], x), NO_WHOLE),
    "allosteric.seed": (lambda x: ol.Task.allosteric(NET, 3, 1, x), SEED),
    "allosteric.feasible": (lambda x: ol.Task.allosteric(NET, 3, 1, feasible=x), NO_FLAG),
    "allosteric.source_spread": (lambda x: ol.Task.allosteric(NET, 3, 1, source_spread=x), [*NO_NUMBER, -1.0, np.inf]),
    "packing.seed": (lambda x: ol.Network.packing(16, seed=x), SEED),
    "delaunay.n_nodes": (lambda x: ol.Network.delaunay(x), NO_WHOLE),
    "random.seed": (lambda x: ol.Network.random(16, seed=x), SEED),
    "grid.periodic": (lambda x: ol.Network.grid(4, 4, periodic=x), NO_FLAG),
    "LabCircuit.delay": (lambda x: ol.lab.LabCircuit(delay=x), NO_WHOLE),
    "LabCircuit.signed": (lambda x: ol.lab.LabCircuit(signed=x), NO_FLAG),
    "train.threads": (lambda x: ol.train(NET, TASK, 1.0, threads=x), [x for x in NO_WHOLE if x is not None] + [0, -1]),
    "train.go_on": (lambda x: ol.train(NET, TASK, 1.0, go_on=x), NO_FLAG),
    "train.t_max": (lambda x: ol.train(NET, TASK, 1.0, t_max=x), [x for x in NO_NUMBER if x is not None]),
    "descend.threads": (lambda x: ol.descend(NET, TASK, threads=x), [x for x in NO_WHOLE if x is not None] + [0]),
}
ARRAYS = {
    "conductances": lambda x: ol.Network(NET.edges, initial_conductances=x), "times": lambda x: ol.Record(times=x),
    "rate": lambda x: ol.train(NET, TASK, x), "bias": lambda x: ol.Rule(bias=x),
    "source_voltages": lambda x: ol.Task([0, 15], x, [6], [0.7]),
    "positions": lambda x: ol.Network(NET.edges, positions=x),
}


@pytest.mark.parametrize("name", list(GIVEN))
def test_another_kind_is_refused_by_name(name):
    make, odd = GIVEN[name]
    for value in odd:
        with pytest.raises((TypeError, ValueError), match=name.partition(".")[2]) as caught:
            make(value)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", list(ARRAYS))
def test_arrays_of_another_kind_are_refused(name):
    for value in (["1", "2"], [True, False], [1j, 2.0], np.ma.masked_array([1.0, 2.0], [True, False]), [10**400, 1]):
        with pytest.raises((TypeError, ValueError), match="rate" if name == "rate" else name.partition("_")[0]):
            ARRAYS[name](value)


def test_numbers_of_numpy_are_numbers():
    assert number("x", np.float32(2.5)) == 2.5
    assert (whole("n", np.int32(3)), whole("n", np.array(4))) == (3, 4)
    assert flag("f", np.False_) is False
    assert reals([1, 2.5], "x").tolist() == [1.0, 2.5]
    assert type(ol.Rule(nudge=1).nudge) is float
    assert type(ol.Rule(seed=np.int64(4)).seed) is int


@pytest.mark.parametrize("copied", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy])
def test_nouns_stay_frozen_when_they_travel(copied):
    nouns = [NET, TASK, ol.Rule(frozen=np.zeros(24, dtype=bool), bias=np.ones(24)), ol.Record(times=[0.0, 1.0]),
             ol.Schedule(ramp_times=[0.0, 1.0], ramp_factors=[1.0, 2.0]), ol.lab.LabCircuit()]
    for noun in nouns:
        arrays = [value for value in vars(copied(noun)).values() if isinstance(value, np.ndarray)]
        assert arrays
        assert not any(array.flags.writeable for array in arrays), type(noun)
