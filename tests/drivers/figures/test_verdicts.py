"""The rule of verdicts: what it says, that it exists once, and the standard errors it is given."""
import re
from pathlib import Path

import numpy as np
import pytest
from ohmlearn.drivers.figures import verdicts
from ohmlearn.drivers.figures.beyond import switching, theory
from ohmlearn.drivers.figures.verdicts import SIGMAS, fraction_error, judge, median_error, verdict


@pytest.mark.parametrize(("value", "error", "status"), [
    (0.85, 0.0, "pass"), (0.5, 0.0, "FAIL"), (0.8, 0.02, "FAIL"), (0.8, 0.03, "open"), (1.2, 0.11, "open"),
    (1.2, 0.09, "FAIL"), (np.nan, 1.0, "FAIL")])
def test_a_miss_within_two_standard_errors_is_open(value: float, error: float, status: str) -> None:
    assert verdict(value, 0.85, 1.0, "x", error).split()[0] == status


def test_words_of_a_verdict() -> None:
    assert verdict(0.5, 0.4, 0.6, "x") == "pass  x: 0.5; expected 0.4 to 0.6"
    assert verdict(0.5, 0.6, np.inf, "x") == "FAIL  x: 0.5; expected at least 0.6"
    assert verdict(0.5, -np.inf, 0.4, "x", 0.05) == "open  x: 0.5; expected at most 0.4"
    assert judge(0.1, 0.1 / SIGMAS, "x").startswith("open")


def test_the_rule_exists_once() -> None:
    """Nothing but `judge` writes a verdict of its own: no figure's module holds the word that fails."""
    folder = Path(verdicts.__file__).parent
    holds = {path.name for path in folder.rglob("*.py") if re.search(r"""['"]FAIL""", path.read_text())}
    assert holds == {"catalogue.py", "report.py", "verdicts.py"}     # the names of statuses, the rule, a colour


def test_median_error_is_that_of_samples() -> None:
    """Against the spread of medians over many samples, of a bell and of a heavy tail."""
    rng = np.random.default_rng(0)
    for draw in (rng.standard_normal, rng.standard_cauchy):
        samples = draw((2000, 49))
        found = np.mean([median_error(sample) for sample in samples])
        assert found == pytest.approx(np.std(np.median(samples, axis=1)), rel=0.15)
    assert median_error([1.0, np.nan]) == 0.0
    assert median_error([1.0, np.nan, 3.0]) > 0


def test_share_error_is_that_of_a_coin() -> None:
    tossed = np.random.default_rng(1).random((4000, 8)) < 0.85
    assert fraction_error(0.85, 8) == pytest.approx(tossed.mean(axis=1).std(), rel=0.05)
    assert fraction_error(1.0, 8) == 0.0


def test_few_tasks_do_not_decide_what_theory_and_switching_expect() -> None:
    """Six of eight onsets are not 85 %, and one pair of six each is not fewer: open both; clear misses fail."""
    def status(hits: int, tasks: int) -> str:
        ratio = np.where(np.arange(tasks) < hits, 1.0, 5.0)
        true = np.ones(tasks, dtype=bool)
        spread = 1 + np.arange(tasks) / tasks
        found = theory.Compared(spread, np.full(tasks, np.nan), spread * ratio, true, true)
        return next(line[:4] for line in theory.lines(found, "") if "R_c: " in line)

    assert [status(8, 8), status(6, 8), status(2, 8), status(75, 100)] == ["pass", "open", "FAIL", "FAIL"]

    def switched(fast: float, slow: float, pairs: int) -> str:
        return judge(*switching.fewer(fast, slow, pairs), "").split()[0]

    assert [switched(1 / 6, 1 / 6, 6), switched(0.0, 1 / 6, 6), switched(1 / 6, 2 / 6, 6), switched(0.0, 0.0, 6),
            switched(1.0, 0.0, 6), switched(0.6, 0.2, 100)] == ["open", "pass", "pass", "pass", "FAIL", "FAIL"]
