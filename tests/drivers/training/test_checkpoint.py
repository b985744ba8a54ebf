"""Long runs: their state in a file, and what they show."""
import io
import os
import signal

import numpy as np
import pytest
from ohmlearn import Network, Rule, Task, edges, train
from ohmlearn.drivers.display.progress import RunProgress, RunState
from ohmlearn.drivers.recording.checkpoint_file import CheckpointFile, alone, digest_of
from ohmlearn.drivers.training import checkpoint, large_run, regime
from ohmlearn.edges import pairs
from rank_jobs import run_here

NET = Network.packing(64, seed=1)
TASK = Task.allosteric(NET, 10, 3, seed=0, feasible=True)


@pytest.fixture(params=["large", "lanes"])
def path(request, monkeypatch):
    """Both ways to train; on the large one the state is renewed often."""
    if request.param == "large":
        monkeypatch.setattr(regime, "LANES_UP_TO", 0)
        monkeypatch.setattr(large_run, "RENEW", 4)
    return request.param


def interrupt_after(count, monkeypatch, number):
    """Send a signal to this process when states were written, or could have been, so many times."""
    looks = iter(range(10**9))
    shown = checkpoint.RunProgress.show

    def show(self, look, last=False):
        if next(looks) == count:
            os.kill(os.getpid(), number)
        shown(self, look, last)
    monkeypatch.setattr(checkpoint.RunProgress, "show", show)


@pytest.mark.parametrize("rate", [0.0, 2.0])
@pytest.mark.parametrize(("number", "raised"), [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)])
def test_a_run_goes_on_from_its_file(rate, number, raised, tmp_path, monkeypatch):
    monkeypatch.setattr(regime, "LANES_UP_TO", 0)
    monkeypatch.setattr(large_run, "RENEW", 4)
    file = tmp_path / "state.npz"
    whole = train(NET, TASK, rate, until=1e-5)
    with monkeypatch.context() as patch:
        interrupt_after(9, patch, number)
        with pytest.raises(raised):
            train(NET, TASK, rate, until=1e-5, checkpoint=file)
    assert os.listdir(tmp_path) == ["state.npz"]
    with pytest.raises(ValueError, match="belongs to another run"):
        train(NET, TASK, rate, until=1e-4, checkpoint=file)
    later = train(NET, TASK, rate, until=1e-5, checkpoint=file)
    assert not file.exists()
    assert later.training_time == whole.training_time
    np.testing.assert_array_equal(later.conductances, whole.conductances)


def test_lanes_keep_their_state_too(path, tmp_path):
    file = tmp_path / "state.npz"
    run = train(NET, TASK, 2.0, until=1e-4, checkpoint=file)
    assert run.training_time == train(NET, TASK, 2.0, until=1e-4).training_time
    assert not file.exists()


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    file = tmp_path / "state.npz"
    file.write_text("no state")
    with pytest.raises(ValueError, match="holds no state of a run"):
        train(NET, TASK, 2.0, checkpoint=file)
    with pytest.raises(ValueError, match="keeps the state of one run, not of 2"):
        train(NET, TASK, [1.0, 2.0], checkpoint=file)


def test_a_state_without_one_of_its_parts_is_told(tmp_path):
    file = tmp_path / "state.npz"
    kept = CheckpointFile(file, "0123", "run")
    state = {"x": np.arange(3.0), "G": np.ones(2)}
    kept.suspend(state)
    assert sorted(kept.resume()) == ["G", "x"]
    with np.load(file) as whole:
        np.savez(file, **{name: whole[name] for name in whole.files if name != "G"})
    with pytest.raises(ValueError, match="parts of it are missing"):
        kept.resume()


@pytest.mark.parametrize("change", [{"rule": Rule(nudge=0.1)}, {"tolerance": 1e-4}, {"t_max": 5.0},
                                    {"conductances": np.full(NET.n_edges, 2.0)}])
def test_the_owner_is_all_that_decides_the_bits(change):
    from ohmlearn.drivers.training.ensemble import Ensemble

    make = lambda **options: Ensemble(NET, [TASK], np.array([0]), np.array([1.0]),  # noqa: E731
                                      options.pop("rule", Rule()), **options)
    assert digest_of(make()) == digest_of(make())
    assert digest_of(make(**change)) != digest_of(make())


def bent(p, u, a, b, e):
    return pairs.product(u, pairs.minus(a, b), e)


@pytest.mark.parametrize(("one", "other"), [
    (edges.Own(bent, 0.5), edges.Own(bent, 0.6)), (edges.Own(bent, 0.5), edges.Own(bent, 0.5, start=2.0)),
    (edges.NMOS(gain=0.5), edges.NMOS(gain=0.6)), (edges.Sinh(0.5), edges.Offset(0.5)),
    ([1, [2, 3]], [[1, 2], 3]), (np.arange(4), np.arange(4).reshape(2, 2)),
    (np.array(["a", None]), np.array(["a", 0])),
])
def test_what_differs_has_another_digest(one, other):
    assert digest_of(one) == digest_of(one)
    assert digest_of(one) != digest_of(other)


def test_lines_come_at_growing_intervals():
    stream = io.StringIO()
    shown = RunProgress(stream=stream)
    for second in range(1, 40):
        shown.show(RunState(10.0 ** (-second / 10), 1e-4, second, 100.0, 7 * second, float(second)))
    shown.close()
    lines = stream.getvalue().splitlines()
    assert [line.rsplit(", ", 1)[1] for line in lines] == [f"{s} s so far" for s in (2, 4, 8, 16, 32)]
    assert lines[0].startswith("C* = 0.631 C*(0) (to 0.0001), time 2 of 100, 14 steps")


def test_fraction_done_is_that_of_the_nearer_end():
    assert RunState(1e-2, 1e-4, 10.0, 100.0, 1, 1.0).fraction == pytest.approx(0.5)
    assert RunState(1e-2, 1e-4, 70.0, 100.0, 1, 1.0).fraction == pytest.approx(0.7)
    assert RunState(3.0, None, 0.0, 100.0, 1, 1.0).fraction == 0.0


def test_a_large_network_end_to_end(tmp_path):
    """Files of a network above 4000 nodes: info, solve, modes, train and a sweep, each by its command."""
    net = Network.grid(70, 70)
    file = tmp_path / "large.csv"
    np.savetxt(file, net.edges, fmt="%d", delimiter=",", header="source,target", comments="")
    told = run_here("info", file).stdout
    assert "large: 4900 nodes" in told
    out = tmp_path / "v.npy"
    solved = run_here("solve", file, "--hold", "0=1", "--hold", "4899=0", "-o", out)
    assert solved.returncode == 0, solved.stderr
    voltages = np.load(out)
    np.testing.assert_allclose(voltages + voltages[::-1], 1.0, atol=1e-8)       # the grid turned by half a turn
    modes = run_here("modes", file, "-k", "2").stdout.split()
    assert float(modes[4]) == pytest.approx(4 * np.sin(np.pi / 140) ** 2, rel=1e-10)
    trained = run_here("train", file, "--rate", "0", "--until", "0.5", "--targets", "1", "--feasible",
                      "--checkpoint", tmp_path / "state.npz")
    assert trained.returncode == 0, trained.stderr
    assert "GiB" in trained.stderr
    assert "reached" in trained.stdout
    sweep = tmp_path / "s.toml"
    sweep.write_text(f"""[network]
file = "{file.name}"
[tasks]
allosteric = {{ sources = 4, targets = 1, feasible = true, count = 2 }}
[sweep]
rates = [0.0, 100.0]
until = 0.5
t_max = 20.0
""")
    swept = run_here("sweep", sweep)
    assert swept.returncode == 0, swept.stderr
    assert "4 of 4 members done" in swept.stdout


@pytest.mark.parametrize("spoil", [lambda data: data[:50], lambda data: b"", lambda data: b"PK\x03\x04" + data[4:60],
                                   lambda data: data[:200] + bytes([data[200] ^ 4]) + data[201:]])
def test_a_damaged_file_is_told_before_the_work_and_stays(spoil, tmp_path):
    file = tmp_path / "state.npz"
    np.savez(file, owner=np.array("somebody"), x=np.arange(100.0))
    spoilt = spoil(file.read_bytes())
    file.write_bytes(spoilt)
    with pytest.raises(ValueError, match=r"state.npz (holds no state of a run|belongs to another run).*delete it"):
        train(NET, TASK, 2.0, until=1e-4, checkpoint=file)
    assert file.read_bytes() == spoilt
    assert os.listdir(tmp_path) == ["state.npz"]


def test_two_processes_do_not_share_a_checkpoint(tmp_path):
    file = tmp_path / "state.npz"
    with alone(file), pytest.raises(ValueError, match=rf"a run that is going on \(process {os.getpid()} on"):
        train(NET, TASK, 2.0, until=1e-4, checkpoint=file)
    assert os.listdir(tmp_path) == []
    assert train(NET, TASK, 2.0, until=1e-4, checkpoint=file).status == "reached"
