"""What a killed sweep had done beyond what its store holds; for kills.py.

Ranks note in a shared file how far each member is after every slice of its run. The notes outlive the processes.
"""
from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

NOTES = 4096        # notes that are kept of one member; the first slot counts them
WARM = 1e-6         # time limit of the member that a rank runs to load the kernels, at most


class Lost(NamedTuple):
    """What a kill cost: members that ran or were not yet written, the most seconds and steps that one of them lost,
    and the steps that all lost together."""

    running: int
    seconds: float
    steps: int
    all_steps: int


def notes_in(trace: Path, members: int, mode: Any = "w+") -> Any:
    """(members, NOTES, 4) time in 1/γp, steps, clock and process of every member after every slice; slot 0 counts."""
    return np.memmap(trace, dtype=np.float64, mode=mode, shape=(members, NOTES, 4))


def traced(trace: Path, members: int, arguments: list[str]) -> None:
    """Run the program, with a note after every slice."""
    from ohmlearn.drivers.cli import main as program
    from ohmlearn.drivers.training.lane_block import LaneBlock

    notes = notes_in(trace, members, "r+")
    insert, follow = LaneBlock.insert, LaneBlock.follow

    def note(block: LaneBlock) -> None:
        now = time.monotonic()
        for lane, number in enumerate(block.numbers):
            if number is not None and block.ensemble.limit(number) > WARM:
                count = int(notes[number, 0, 0]) + 1
                me = block.block.lanes.each[lane]
                notes[number, count] = me["time"], me["steps"], now, os.getpid()
                notes[number, 0, 0] = count

    def noted_insert(block: LaneBlock, *args: Any) -> None:
        insert(block, *args)
        note(block)

    def noted_follow(block: LaneBlock) -> int:
        steps = follow(block)
        note(block)
        return steps

    LaneBlock.insert, LaneBlock.follow = noted_insert, noted_follow  # type: ignore[method-assign]
    program(arguments)


def what_was_lost(store: Path, trace: Any, killed: float) -> Lost:
    """How far members had come beyond what is stored. killed : the clock when the signal was sent."""
    from ohmlearn.drivers.jobs.rank_worker import maker
    from ohmlearn.drivers.store import part_file
    from ohmlearn.drivers.store.store import Store
    from ohmlearn.drivers.sweeps.member_status import MISSING

    seconds, steps, running = [0.0], [0], 0
    begun = np.flatnonzero(trace[:, 0, 0])
    if begun.size:
        found = Store.open(store)
        done, states = found.status() != MISSING, found.checkpoints()
        for number in begun[~done[begun]].tolist():
            notes = trace[number, 1:1 + int(trace[number, 0, 0])]
            task, rate = divmod(number, found.sweep.rates.size)
            rate = float(found.sweep.rates[rate])
            whose = f"{maker()} {found.header['digest']} {task} {rate.hex()}"
            state = part_file.read_state(states[number][0], found.header["digest"], task, rate, whose) \
                if number in states else None
            then, before = (0.0, 0) if state is None else (state["each"]["time"][0], int(state["each"]["steps"][0]))
            running += 1
            assert len(set(notes[:, 3])) == 1, "a member ran on two ranks"
            if then < notes[-1, 0]:
                kept = notes[notes[:, 0] <= then]
                seconds.append(max(killed, notes[-1, 2]) - (kept[-1, 2] if len(kept) else notes[0, 2]))
                steps.append(int(notes[-1, 1]) - before)
    return Lost(running, round(max(seconds), 3), max(steps), sum(steps))
