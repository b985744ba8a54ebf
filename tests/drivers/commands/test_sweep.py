"""`ohmlearn sweep` as a user starts it, alone and on ranks."""
import re

import ohmlearn as ol
import pytest
from rank_jobs import run_here
from sweeps import needs_mpi, run, same_bits, small


def test_a_sweep_from_the_command_line(file, done):
    ended = run("sweep", file)
    assert ended.returncode == 0, ended.stderr
    assert re.match(r".*small: 15 of 15 members done \(.*reached.*\); 15 computed now in ", ended.stdout)
    assert "15/15 members done" in ended.stderr
    same_bits(ol.open_results(file.with_suffix("")), done)


@needs_mpi
@pytest.mark.parametrize(("ranks", "threads"), [
    (3, 2), *(pytest.param(ranks, 1, marks=pytest.mark.slow) for ranks in (2, 7))])
def test_ranks_and_threads_give_the_same_bits(file, done, ranks, threads):
    ended = run_here("sweep", file, "--threads", threads, "--no-progress", ranks=ranks)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("15 of 15 members done") == 1
    assert ended.stderr == ""
    same_bits(ol.open_results(file.with_suffix("")), done)


@needs_mpi
def test_a_store_goes_on_with_other_ranks_and_a_grown_file(file, done):
    small(tasks__allosteric__count=3).run(file.with_suffix(""), progress=False)
    ended = run_here("sweep", file, "--no-progress", ranks=2)
    assert "6 computed now" in ended.stdout
    same_bits(ol.open_results(file.with_suffix("")), done)


@pytest.mark.parametrize("ranks", [None, pytest.param(3, marks=needs_mpi)])
@pytest.mark.parametrize(("change", "message"), [
    (("until", "untill"), r"^ohmlearn: .*small.toml: \[sweep\] untill: unknown key \(.*--example.*\)$"),
    (("sources = 4", "sources = 16"), r"^ohmlearn: .*small.toml: cannot draw 16 sources"),
])
def test_bad_input_is_one_line_and_code_2(file, ranks, change, message):
    file.write_text(file.read_text().replace(*change))
    ended = run_here("sweep", file, ranks=ranks)
    assert ended.returncode == 2
    assert re.match(message, ended.stderr.strip())
    assert len(ended.stderr.splitlines()) == 1
    assert not file.with_suffix("").exists()


def test_failed_members_end_with_code_3(file):
    file.write_text(file.read_text().replace("until = 1e-4", "until = 1e-4\ndt = 5.0"))
    ended = run_here("sweep", file, "--no-progress")
    assert ended.returncode == 3
    assert "15 diverged" in ended.stdout
    assert "stable bound" in ended.stdout


def test_wrong_words_end_a_process_with_one_line(tmp_path):
    ended = run("sweep", "nowhere.toml", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == "ohmlearn: nowhere.toml: No such file or directory\n"


@pytest.mark.parametrize(("arguments", "message"), [
    (("sweep",), "name a sweep file"),
    (("sweep", "nowhere.toml"), "nowhere.toml: No such file"),
    (("sweep", "nowhere.toml", "--shard", "3/2"), "invalid shard 3/2: need i/n"),
    (("train", "packing:n_nodez=3"), r"\[packing\] n_nodez: unknown key"),
    (("train", "packing:64"), "write name=value,name=value"),
])
def test_wrong_words_are_one_line_and_code_2(tmp_path, arguments, message):
    ended = run_here(*arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert re.search(message, ended.stderr)


def test_the_example_is_printed(tmp_path):
    from ohmlearn.drivers.sweeps.sweep_file import EXAMPLE

    assert run_here("sweep", "--example").stdout == EXAMPLE.read_text()


def test_train_prints_what_train_gives(tmp_path):
    import numpy as np

    ended = run_here("train", "grid:shape=[5,5]", "--sources", 4, "--targets", 1, "--rate", 1, "--rate", 30, "--output",
                tmp_path / "runs.npz", "--plot", tmp_path / "runs.png")
    assert ended.returncode == 0, ended.stderr
    net = ol.Network.grid(5, 5)
    runs = ol.train(net, ol.Task.allosteric(net, 4, 1, seed=0), [1.0, 30.0], record=ol.Record(per_decade=20))
    saved = np.load(tmp_path / "runs.npz")
    np.testing.assert_array_equal(saved["conductances"], runs.conductances)
    assert f"{runs[1].training_time:.6g}" in ended.stdout
    assert (tmp_path / "runs.png").stat().st_size > 1000


def test_info_tells_what_is_there():
    told = run_here("info").stdout
    assert f"ohmlearn           {ol.__version__}" in told
    assert re.search(r"^cores +\d+$", told, re.MULTILINE)


def test_all_commands_explain_themselves():
    from ohmlearn.drivers.cli import add_commands, app

    add_commands()
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert {"train", "sweep", "solve", "info"} <= names
    for command in app.registered_commands:
        assert command.callback.__doc__, command
