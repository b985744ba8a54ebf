"""The frame of a job on one process or on all ranks: signals, holds on the store, and how it ends when a rank fails."""
from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from ohmlearn.parallel.communicator import RankError, World
from ohmlearn.parallel.file_locks import Lock
from ohmlearn.parallel.signals import STOPPED, Stopping


@contextlib.contextmanager
def one_job(world: World, holds: list[Lock], token: Path) -> Iterator[Stopping]:
    """Signals are heeded within; holds are given back and the token is removed at the end.

    holds : filled within, on rank 0. token : the word of the job in its store.
    """
    with Stopping() as stopping:
        try:
            yield stopping
        except BaseException as error:
            if world.size > 1 and not isinstance(error, RankError):  # the others do not know and would wait for ever
                if isinstance(error, SystemExit):
                    os._exit(STOPPED)
                traceback.print_exc()
                world.abort(1)
            raise
        finally:
            if holds:
                with contextlib.suppress(OSError):
                    token.unlink(missing_ok=True)
            for hold in holds:
                hold.give_back()
        world.close()
