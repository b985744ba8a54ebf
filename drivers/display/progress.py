"""What a sweep, or one long run, shows while it runs: a bar on a terminal, plain lines elsewhere; of a sweep, also a
small file for `ohmlearn status`."""
from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from ohmlearn.io.replacing import replacing

NOTE = "progress.json"
LINES = (2.0, 600.0)    # seconds until the first plain line, and at most between two
QUICK, NOTED = 0.2, 2.0  # seconds between changes of the bar, and of the file


@dataclass(frozen=True)
class Counts:
    """How far a sweep is. The time left goes by the members left, so it is too long while the longest run first."""

    total: int
    done: int
    failed: int
    running: int
    steps: int
    elapsed: float
    left: float | None      # seconds, None while unknown
    written: float = 0.0    # clock time of the note for others

    def line(self) -> str:
        """One line for a log."""
        percent = 100.0 * self.done / max(self.total, 1)
        pace = self.steps / self.elapsed if self.elapsed > 0 else 0.0
        return (f"{self.done}/{self.total} members done ({percent:.0f} %), {self.running} running, "
                f"{self.failed} failed, "
                f"{pace:.3g} member-steps/s, {clock(self.elapsed)} so far, "
                f"{'unknown' if self.left is None else clock(self.left)} left")


@dataclass(frozen=True)
class RunState:
    """How far one run is: C*/C*(0), the threshold on it or None, time and its limit (1/γp, training steps at R = 0),
    steps taken, seconds passed."""

    cost: float
    goal: float | None
    time: float
    limit: float
    steps: int
    elapsed: float

    @property
    def fraction(self) -> float:
        """How near the nearer end is, 0 to 1: the limit in time, or the threshold on the scale of ln C*."""
        fallen = math.log(max(self.cost, 1e-300)) / math.log(self.goal) if self.goal else 0.0
        return min(max(self.time / self.limit, fallen, 0.0), 1.0)

    def line(self) -> str:
        """One line for a log."""
        goal = f" (to {self.goal:g})" if self.goal else ""
        return (f"C* = {self.cost:.3g} C*(0){goal}, time {self.time:.4g} of {self.limit:.4g}, {self.steps} steps, "
                f"{clock(self.elapsed)} so far")


@dataclass(frozen=True)
class EpochState:
    """How far a training on data is: epochs done of a block of chips, the fraction of the work that is done of all,
    medians over the block of loss, score and validation score (NaN for none), seconds passed."""

    epoch: int
    epochs: int
    fraction: float
    loss: float
    score: float
    validation: float
    elapsed: float

    def line(self) -> str:
        """One line for a log."""
        checked = "" if math.isnan(self.validation) else f", validation {self.validation:.4f}"
        return (f"epoch {self.epoch} of {self.epochs}: loss {self.loss:.3g}, score {self.score:.4f}{checked}, "
                f"{clock(self.elapsed)} so far")


def clock(seconds: float) -> str:
    """h:mm:ss, or seconds below a minute."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


class Progress:
    """Shows counts on a stream. Lines come at intervals that grow with the time that has passed."""

    def __init__(self, note: Path | None, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._note, self._quiet = note, quiet
        self._bar: Any = None
        self._shown, self._noted, self._next = -1e9, -1e9, LINES[0]
        if not quiet and self._stream.isatty():
            self._bar = make_bar(self._stream)

    def show(self, counts: Counts, last: bool = False) -> None:
        """Tell how far it is, if it is time to."""
        now = time.monotonic()
        if self._note and (last or now - self._noted > NOTED):
            self._noted = now
            write_note(self._note, counts)
        if self._bar is not None and (last or now - self._shown > QUICK):
            self._shown = now
            left = "time left unknown" if counts.left is None else f"{clock(counts.left)} left"
            self._bar.update(self._bar.task_ids[0], total=counts.total, completed=counts.done, running=counts.running,
                             failed=counts.failed, left=left)
        elif self._bar is None and not self._quiet and (last or counts.elapsed >= self._next):
            self._next = counts.elapsed + min(max(counts.elapsed, LINES[0]), LINES[1])
            print(counts.line(), file=self._stream, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._note:
            with contextlib.suppress(OSError):
                self._note.unlink()


class MemberProgress:
    """Shows how many runs of one call have ended, on a stream."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._shown, self._begin = Progress(None, stream=stream), time.monotonic()
        self._total, self._done, self._failed, self._steps = total, 0, 0, 0

    def ended(self, failed: bool) -> None:
        """One more run has ended."""
        self._done, self._failed = self._done + 1, self._failed + failed

    def slice(self, running: int, steps: int) -> None:
        """So many runs go on, and have taken so many steps since."""
        self._steps += steps
        self._show(running)

    def close(self) -> None:
        """Tell how it ended."""
        self._show(0, last=True)
        self._shown.close()

    def _show(self, running: int, last: bool = False) -> None:
        elapsed = time.monotonic() - self._begin
        left = elapsed * (self._total - self._done) / self._done if self._done else None
        self._shown.show(Counts(self._total, self._done, self._failed, running, self._steps, elapsed, left), last)


class RunProgress:
    """Shows how far one run is, on a stream; lines come at intervals that grow with the time that has passed."""

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet, self._next = quiet, LINES[0]
        self._bar: Any = None
        if not quiet and self._stream.isatty():
            self._bar = started_bar(self._stream, ["{task.description}"], "starting", 1.0)

    def show(self, state: RunState | EpochState, last: bool = False) -> None:
        """Tell how far it is, if it is time to."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=1.0 if last else state.fraction, description=state.line())
        elif not self._quiet and (last or state.elapsed >= self._next):
            self._next = state.elapsed + min(max(state.elapsed, LINES[0]), LINES[1])
            print(state.line(), file=self._stream, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def make_bar(stream: TextIO) -> Any:
    """A running bar with members done, running, failed and the time left."""
    told = "{task.fields[running]} running, {task.fields[failed]} failed, {task.fields[left]}"
    return started_bar(stream, ["{task.completed}/{task.total}", told], "members", None, running=0, failed=0,
                       left="starting")


def started_bar(stream: TextIO, texts: list[str], name: str, total: float | None, **fields: Any) -> Any:
    """A bar of one task, with texts after it (before it where there is one only), running."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = [TextColumn(text) for text in texts]
    first = [TextColumn("{task.description}")] if len(texts) > 1 else []
    bar = Bar(*first, BarColumn(), *columns, console=Console(file=stream), refresh_per_second=5)
    bar.add_task(name, total=total, **fields)
    bar.start()
    return bar


def write_note(path: Path, counts: Counts) -> None:
    """Leave the counts for other programs, whole or not at all. A full disk is no reason to end here."""
    with contextlib.suppress(OSError), replacing(path, durable=False) as file:
        json.dump(asdict(counts) | {"written": time.time()}, file)


def read_note(path: Path) -> Counts | None:
    """The counts that a running job left last."""
    try:
        return Counts(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
