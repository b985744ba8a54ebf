"""Short forms of fuzz_stores.py, fuzz_results.py and fuzz_commands.py, and a minute of everything among the slow tests;
`make fuzz` runs all for longer."""
import fuzz_all
import fuzz_commands
import fuzz_results
import fuzz_stores
import pytest


def test_changes_of_stores_are_noticed():
    done = fuzz_stores.fuzz(40, 1)
    assert sum(done.values()) == 40


def test_changes_of_saved_runs_and_checkpoints_are_noticed():
    assert len(fuzz_results.fuzz(80, 1)) == 6


def test_odd_calls_end_in_words():
    done = fuzz_commands.fuzz(1, 1)
    assert len(done) > 10


@pytest.mark.slow
def test_a_minute_of_everything(capsys):
    fuzz_all.main(1.0, 20_261_129)
    assert "rounds of fuzz_commands" in capsys.readouterr().out


def test_what_is_wrong_is_seen(tmp_path, monkeypatch):
    from ohmlearn.drivers import cli

    def broken(arguments):
        raise ArithmeticError("out of luck")

    cli.add_commands()                      # to the app itself, once in a process
    monkeypatch.setattr(cli, "app", broken)
    said = fuzz_commands.wrong(["info"])
    assert said.startswith("a fault: ohmlearn: ArithmeticError: out of luck; OHMLEARN_TRACEBACK=1")
    monkeypatch.setenv("OHMLEARN_TRACEBACK", "1")
    with pytest.raises(ArithmeticError):
        cli.main(["info"])
