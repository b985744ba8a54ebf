"""How many threads a process may use."""
import pytest
from ohmlearn.parallel import threads
from ohmlearn.parallel.threads import available_threads, cores, quota


@pytest.mark.parametrize(("asked", "share", "environment", "expected"), [
    (None, 8, {}, 8),
    (3, 8, {"OMP_NUM_THREADS": "5"}, 3),
    (64, 8, {}, 8),                                                 # never more than the cores given
    (None, 8, {"OMP_NUM_THREADS": "5"}, 5),
    (None, 8, {"OMP_NUM_THREADS": "5,2"}, 5),
    (None, 8, {"SLURM_CPUS_PER_TASK": "4", "OMP_NUM_THREADS": "1"}, 4),
    (None, 8, {"SLURM_CPUS_PER_TASK": "64"}, 8),
    (None, 8, {"OMP_NUM_THREADS": "many"}, 8),
    (None, 1, {"SLURM_CPUS_PER_TASK": "4"}, 1),
])
def test_threads_of_one_process(asked, share, environment, expected):
    assert available_threads(asked, share, environment) == expected


def test_no_thread_is_an_error():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        available_threads(0)


@pytest.mark.parametrize(("text", "expected"), [("max 100000", 1 << 20), ("250000 100000", 2), ("50000 100000", 1)])
def test_the_quota_of_a_container(tmp_path, text, expected):
    (tmp_path / "cpu.max").write_text(text)
    assert quota(str(tmp_path / "cpu.max")) == expected
    assert quota(str(tmp_path / "missing")) == 1 << 20


def test_cores_are_cut_by_the_quota(monkeypatch):
    monkeypatch.setattr(threads, "quota", lambda: 1)
    assert cores() == 1


def test_training_honours_what_the_environment_says(monkeypatch):
    """Of the pool that trains the members of an ensemble."""
    import ohmlearn as ol
    from ohmlearn.drivers.training import worker

    net = ol.Network.grid(4, 4)
    task = ol.Task([0, 15], [1.0, 0.0], [6], [0.7])
    asked = []
    real = worker.workers_for
    monkeypatch.setattr(worker, "workers_for", lambda ensemble, threads, *rest: asked.append(threads)
                        or real(ensemble, threads, *rest))
    monkeypatch.setattr(threads, "cores", lambda: 8)
    for variable in threads.VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for said in ("3", "1"):
        monkeypatch.setenv("OHMLEARN_THREADS", said)
        ol.train(net, [task] * 16, 0.0, t_max=0.1)
    assert asked == [3, 1]
    with pytest.raises(ValueError, match="threads must be at least 1, not 0"):
        ol.train(net, task, 0.0, threads=0)
