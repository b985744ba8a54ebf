"""Trainings on data that are interrupted go on from their file with the same bits, and refuse that of another call."""
import os
import signal
import threading

import numpy as np
import ohmlearn as ol
import pytest
from ohmlearn.drivers.circuits import block_training, chip_block
from ohmlearn.drivers.recording import checkpoint_file
from ohmlearn.learn import CrossEntropy, Flow, Hinge, Imperfections, Terminals, Update, Validation, train_on_data
from ohmlearn.parallel.signals import Stopping

NET = ol.Network.grid(3, 3)
LAW = ol.edges.NMOS(gain=0.5, leak=1e-3, highest=4.0)
X = np.random.default_rng(7).uniform(0.0, 0.4, (22, 2))
CLASSES = np.where(X[:, 0] > X[:, 1], "right", "left")
TERMINALS = Terminals([0, 2], [4, (3, 5)], held={8: 0.3})
FLAWS = Imperfections(threshold=0.02, read_noise=1e-3, update_noise=1e-4, probability=0.8)
CALLS = {
    "one by one": {"dynamics": Update(step=0.5, nudge=0.05), "chips": 9, "imperfections": FLAWS, "epochs": 5},
    "batches": {"dynamics": Update(step=0.5, nudge=0.05, batch=5, order="sampled"), "chips": 3, "epochs": 7,
                "every": 3},
    "flow": {"dynamics": Flow(rate=5.0, switching=3.0), "chips": 9, "epochs": 5},
    "early stop": {"dynamics": Update(step=0.5, nudge=0.05, order="cyclic"), "chips": 9, "epochs": 12,
                   "validation": Validation(0.3, patience=4)},      # ends after the signals of the tests
}


def trained(call, **options):
    return train_on_data(NET, TERMINALS, X, CLASSES, **({"edges": LAW, "loss": CrossEntropy(0.1), "threads": 2}
                                                        | CALLS[call] | options))


def interrupted(call, file, count, number):
    """A training to which a signal is sent when its blocks have been advanced so many times."""
    calls, advance, lock = iter(range(10**9)), block_training.BlockTraining.advance, threading.Lock()
    ask, noticed = Stopping._ask, threading.Event()

    def counted(self):
        with lock:      # no block ends meanwhile
            if next(calls) == count:
                signal.pthread_kill(threading.main_thread().ident, number)      # which may wait for the lock
                noticed.wait(60)        # by the main thread; a training that ends before it does gets the signal again
        return advance(self)

    def heard(self, *arguments):
        ask(self, *arguments)
        noticed.set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stopping, "_ask", heard)
        patch.setattr(block_training.BlockTraining, "advance", counted)
        trained(call, checkpoint=file)


def same(one, other):
    names = ("values", "epochs", "loss", "score", "clamped", "validation_loss", "validation_score", "stopped",
             "failures")
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in names)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("at", [0, 1, 4])
def test_a_training_goes_on_with_the_same_bits(call, at, tmp_path, monkeypatch, capsys):
    file = tmp_path / "state.npz"
    whole = trained(call)
    monkeypatch.setattr(chip_block, "PIECE", 1)         # an epoch at a time
    number = signal.SIGINT if at == 1 else signal.SIGTERM
    with pytest.raises(KeyboardInterrupt if at == 1 else SystemExit):
        interrupted(call, file, at, number)
    assert "the same call goes on from" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["state.npz"]
    assert same(trained(call, checkpoint=file, threads=1), whole)
    assert os.listdir(tmp_path) == []


def test_every_state_on_the_way_leads_to_the_same_end(tmp_path, monkeypatch):
    """As after a kill: every file that was written is taken up."""
    file, written, suspend = tmp_path / "state.npz", [], checkpoint_file.CheckpointFile.suspend

    def kept(self, state):
        suspend(self, state)
        written.append(file.read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(chip_block, "PIECE", 1)
        patch.setattr(checkpoint_file, "EVERY", 0.0)
        patch.setattr(checkpoint_file.CheckpointFile, "suspend", kept)
        patch.setattr("ohmlearn.drivers.training.work_queue.SPARING", 0.0)
        whole = trained("one by one", checkpoint=file)
    assert len(written) >= 10
    for state in written[::3]:
        file.write_bytes(state)
        assert same(trained("one by one", checkpoint=file), whole)


@pytest.mark.parametrize("change", [
    {"loss": Hinge(0.1)}, {"dynamics": Update(step=0.5, nudge=0.06)}, {"seed": 1}, {"epochs": 6}, {"every": 2},
    {"imperfections": None}, {"edges": None}, {"chips": 8}, {"sample_weight": np.full(22, 2.0)},
])
def test_a_file_of_another_call_is_refused(change, tmp_path):
    file = tmp_path / "state.npz"
    with pytest.raises(SystemExit):
        interrupted("one by one", file, 1, signal.SIGTERM)
    before = file.read_bytes()
    with pytest.raises(ValueError, match="belongs to another training"):
        trained("one by one", checkpoint=file, **change)
    assert file.read_bytes() == before


def test_other_data_and_damage_are_refused(tmp_path):
    file = tmp_path / "state.npz"
    with pytest.raises(SystemExit):
        interrupted("batches", file, 1, signal.SIGTERM)
    with pytest.raises(ValueError, match="belongs to another training"):
        train_on_data(NET, TERMINALS, X + 1e-9, CLASSES, edges=LAW, loss=CrossEntropy(0.1), **CALLS["batches"],
                      checkpoint=file)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match="holds no state of a training"):
        trained("batches", checkpoint=file)
    with pytest.raises(OSError, match="choose a folder that exists"):
        trained("batches", checkpoint=tmp_path / "none" / "state.npz")
