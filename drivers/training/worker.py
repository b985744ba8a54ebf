"""One thread's share of an ensemble: a block of lanes that RK4 follows, and one on the slow manifold."""
from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ohmlearn.drivers.recording.recorded_states import State
from ohmlearn.run import Run

from .ensemble import Ensemble
from .lane_block import LaneBlock
from .work_queue import Queue

Resume = Callable[[int], State | None]


class Worker:
    """Blocks whose lanes are refilled from a queue: of RK4, and on the slow manifold. Members pass from one to the
    other as their lag tells them.

    The fuller block goes on, so that lanes seldom stand idle: a member may wait, which changes no result.
    """

    def __init__(self, blocks: list[LaneBlock], queue: Queue, resume: Resume | None) -> None:
        self.blocks, self.queue, self.resume = blocks, queue, resume
        self.waiting: list[deque[tuple[int, State | None]]] = [deque() for _ in blocks]

    def refill(self) -> bool:
        """Fill idle lanes, first with those that wait. False when there is nothing left to do."""
        for block, waiting in zip(self.blocks, self.waiting, strict=True):
            while waiting and None in block.numbers:
                block.insert(*waiting.popleft())
        free = sum(len(block.numbers) for block in self.blocks) - self.occupied
        while free > 0 and any(None in block.numbers for block in self.blocks):
            if (number := self.queue.take()) is None:
                break
            saved = self.resume(number) if self.resume else None
            kind = self.kind(number, saved)
            free -= 1
            if None in self.blocks[kind].numbers:
                self.blocks[kind].insert(number, saved)
            else:
                self.waiting[kind].append((number, saved))
        return self.occupied > 0

    def kind(self, number: int, saved: State | None) -> int:
        """Which block a member goes to: where it was, or to the manifold if its rate is one that may be slow."""
        if len(self.blocks) == 1:
            return 0
        if saved is not None and self.blocks[0].ensemble.edges is None:
            me = saved["each"][0]
            if me["evaluations"] > 0 or me["lag"] > 0:        # it was tried
                return int(me["gliding"])
        return int(self.blocks[0].ensemble.may_glide(number))

    @property
    def occupied(self) -> int:
        """Members taken and not yet done."""
        return sum(block.occupied for block in self.blocks) + sum(len(waiting) for waiting in self.waiting)

    def follow(self) -> tuple[list[tuple[int, Run]], int]:
        """Go on for a slice of time. Returns the members that are done, and the member-steps taken."""
        block = max(self.blocks, key=lambda block: block.occupied)
        steps = block.follow()
        block.write_down()
        for number, saved in block.strays():
            self.waiting[int(saved["each"][0]["gliding"])].append((number, saved))
        return block.harvest(), steps

    def reached(self) -> tuple[float, float, int] | None:
        """C*/C*(0), time and steps of the first member in a lane; None where there is none."""
        for block in self.blocks:
            for number, me in zip(block.numbers, block.block.lanes.each, strict=True):
                if number is not None:
                    return float(me["cost"]), float(me["time"]), int(me["steps"])
        return None

    def states(self) -> dict[int, State]:
        """Copies of all members that have begun, by number."""
        begun = {number: saved for waiting in self.waiting for number, saved in waiting if saved is not None}
        return begun | {number: saved for block in self.blocks for number, saved in block.states().items()}


def workers_for(ensemble: Ensemble, count: int, queue: Queue, resume: Resume | None) -> list[Worker]:
    """Workers of the kind that an ensemble needs."""
    if not ensemble.plain:
        from .discrete_block import DiscreteBlock
        from .general_arrays import GeneralLayout
        from .general_block import GeneralBlock

        layout, block = GeneralLayout(ensemble), GeneralBlock if ensemble.updates is None else DiscreteBlock
        return [Worker([block(ensemble, layout)], queue, resume) for _ in range(count)]
    from .lane_arrays import Prepared

    prepared, kinds = Prepared(ensemble), [False, True]
    if ensemble.edges is not None:          # these do not pass from one kind of block to the other
        kinds = sorted({ensemble.may_glide(number) for number in range(len(ensemble))})
    return [Worker([LaneBlock(ensemble, prepared, manifold) for manifold in kinds], queue, resume)
            for _ in range(count)]
