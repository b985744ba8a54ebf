"""Signals end things in good order, and none is lost."""
import os
import signal
import subprocess
import sys

import pytest
from ohmlearn.parallel.signals import SIGNALS, Stopping, ended_by_signals, handled


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_of_a_batch_system_ends_in_words(number, capsys):
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, ended_by_signals("repeat the command"):
        send(number)
    assert ended.value.code == 75
    assert capsys.readouterr().err == f"stopped by {number.name}; repeat the command\n"
    assert signal.getsignal(number) == before


def test_another_end_has_no_word(capsys):
    with pytest.raises(SystemExit), ended_by_signals("repeat the command"):
        raise SystemExit(2)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("heeded", [False, True])
def test_a_signal_that_came_too_late_comes_once_more(heeded):
    """Whoever left the context without an end because of it has finished; what called it has not."""
    came = []
    with handled(SIGNALS, lambda number, frame: came.append(number)), Stopping() as stopping:
        stopping.ready = True
        send(signal.SIGTERM)
        assert stopping.asked == "SIGTERM"
        stopping.heeded = heeded
    assert came == ([] if heeded else [signal.SIGTERM])


def test_an_error_is_not_covered_by_a_signal():
    came = []

    def fail():
        with Stopping() as stopping:
            stopping.ready = True
            send(signal.SIGTERM)
            raise ValueError("mine")

    with handled(SIGNALS, lambda number, frame: came.append(number)), pytest.raises(ValueError, match="mine"):
        fail()
    assert came == []


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("moment", "code"), [("before", None), ("within", 7), ("after", 0), ("another", None)])
def test_a_signal_before_the_work_ends_the_process_and_one_after_it_changes_nothing(number, moment, code):
    """While MPI starts nothing is done yet: a signal that was lost there would let a whole sweep go on."""
    program = f"""
import os, sys
from ohmlearn.parallel.signals import Stopping, ignored_when_done
def send(moment):
    if moment == {moment!r}:
        os.kill(os.getpid(), {int(number)})
with ignored_when_done():
    send("before")
    with Stopping() as stopping:
        stopping.ready = True
        send("within")
        if stopping.asked:
            os._exit(7)
    send("after")
with ignored_when_done():
    send("another")
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert ended.returncode == (-number if code is None else code)
