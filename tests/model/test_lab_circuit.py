"""The lab's hardware, board and tasks."""
import numpy as np
import pytest
from ohmlearn import Network
from ohmlearn.lab.circuit import LabCircuit, lab_network, lab_task


def test_the_board_is_what_the_paper_counts() -> None:
    board = lab_network()
    assert (board.n_nodes, board.n_edges) == (9, 16)
    assert board.components.max() == 0
    assert sorted(board.degree) == [3] * 4 + [4] * 5


def test_the_paper_s_hardware() -> None:
    circuit = LabCircuit()
    assert circuit.tap * circuit.levels == 100e3
    assert circuit.turns() == 64
    assert circuit.unit == 12.8


def test_tasks_can_be_met_and_are_worth_training() -> None:
    board = lab_network()
    tasks = [lab_task(board, seed) for seed in range(40)]
    for task in tasks:
        assert task.source_voltages.tolist() == [0.0, 5.0]
        assert len(task.targets) == 2
        assert task.feasible
    assert len({task.target_voltages[0] for task in tasks}) == 40
    assert lab_task(board, 7).target_voltages.tolist() == tasks[7].target_voltages.tolist()
    assert len(lab_task(Network.grid(4, 4), 1, targets=3).targets) == 3


@pytest.mark.parametrize(("options", "words"), [
    ({"capacitors": "node"}, "capacitors must be one of edges, nodes, not 'node'"),
    ({"comparators": "eq7"}, "comparators must be one of eq5"),
    ({"pause": "never"}, "pause must be one of clamp, turn, both"),
    ({"noise": -0.1}, "noise must be finite and >= 0 V, not -0.1"),
    ({"noise": np.nan}, "noise"),
    ({"nudge": 0.0}, "nudge must be finite and > 0"),
    ({"tap": np.inf}, "tap must be finite"),
    ({"levels": 1}, "two levels"),
    ({"step": 0.5}, "whole taps; use discrete=False"),
    ({"signed": False, "comparators": "earlier"}, "the unsigned rule"),
    ({"bias": -0.1}, "bias"),
    ({"bias": [0.1, 0.2]}, "bias"),
    ({"delay": -1}, "delay must be a whole number of training steps from 0 to 1000, not -1"),
])
def test_bad_hardware(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LabCircuit(**options)


def test_a_delay_of_another_kind() -> None:
    with pytest.raises(TypeError, match=r"^delay must be a whole number, not 1\.5$"):
        LabCircuit(delay=1.5)


def test_bad_taps() -> None:
    with pytest.raises(ValueError, match="taps must lie between 1 and 128"):
        LabCircuit().turns([0.0, 5.0])
    with pytest.raises(ValueError, match="whole taps"):
        LabCircuit(start=50.1e3).turns()
    assert LabCircuit(start=50.1e3, discrete=False).turns() == pytest.approx(64.128)


def test_bad_tasks() -> None:
    with pytest.raises(ValueError, match="cannot draw 2 sources and 8 targets from 9 nodes"):
        lab_task(lab_network(), targets=8)
    with pytest.raises(ValueError, match="no task with C"):
        lab_task(lab_network(), least=30.0)
