"""How far runs are is shown for networks of any size, one run or several."""
import io
import re

import ohmlearn as ol
import pytest
from ohmlearn.drivers.display.progress import MemberProgress, RunProgress, RunState

NET, TASK = ol.Network.grid(4, 4), ol.Task({0: 1.0, 15: 0.0}, {6: 0.7})


@pytest.mark.parametrize("options", [
    {}, {"rate": 0.0}, {"task": (TASK, TASK)}, {"updates": ol.rules.Discrete(step=1.0)},
    {"rule": ol.Rule(bias=[0.0] * 24)}])
def test_a_short_run_on_a_small_network_ends_with_a_line(options, capsys):
    run = ol.train(NET, **{"task": TASK, "rate": 1.0, "until": 1e-2, "progress": True} | options)
    shown = capsys.readouterr().err
    assert re.fullmatch(r"C\* = 0\.0\d+ C\*\(0\) \(to 0\.01\), time .* of .*, \d+ steps, .* so far\n", shown), shown
    assert f"{run.n_steps} steps" in shown
    assert float(re.search(r"C\* = ([\d.e-]+)", shown)[1]) == pytest.approx(run.final_cost, rel=1e-2)


def test_several_runs_are_counted(capsys):
    ol.train(NET, [TASK] * 3, [0.0, 0.1, 1.0], until=1e-2, progress=True)
    assert capsys.readouterr().err.startswith("3/3 members done (100 %), 0 running, 0 failed")


def test_nothing_is_shown_unless_asked(capsys):
    ol.train(NET, TASK, 1.0, until=1e-2)
    ol.train(NET, TASK, [1.0, 2.0], until=1e-2)
    assert capsys.readouterr().err == ""


def test_a_long_run_is_shown_while_it_goes_on():
    stream = io.StringIO()
    shown = RunProgress(stream=stream)
    for seconds in (0.5, 2.5, 3.0, 5.5):
        shown.show(RunState(0.1, 1e-2, seconds, 100.0, 7, seconds))
    assert [line.rpartition(", ")[2] for line in stream.getvalue().splitlines()] == ["2 s so far", "6 s so far"]


def test_failed_members_are_counted():
    stream = io.StringIO()
    shown = MemberProgress(2, stream)
    shown.ended(failed=True)
    shown.ended(failed=False)
    shown.close()
    assert stream.getvalue().startswith("2/2 members done (100 %), 0 running, 1 failed")
