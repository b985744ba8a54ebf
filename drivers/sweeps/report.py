"""What came of a job."""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .member_status import ALL_STATUSES, FAILURES, MISSING

FAILURE_CODES = [ALL_STATUSES.index(name) for name in FAILURES]
MOST_TOLD = 5       # failures that the summary names


@dataclass(frozen=True)
class Report:
    """What came of a job.

    store : the folder.
    status : (n_members,) codes of all members in it; see `member_status.ALL_STATUSES`.
    computed : members that this job finished.
    elapsed : s that it took.
    stopped : name of the signal that ended it early, None if none did.
    failures : parameters and reason of members that failed, the first few.
    lost : members that this job computed and that are not in the store, the first few; there must be none.

    >>> import ohmlearn as ol
    >>> tables = {"network": {"grid": {"shape": [4, 4]}},
    ...           "tasks": {"allosteric": {"sources": 2, "targets": 1, "count": 2}},
    ...           "sweep": {"rates": [0.1, 1.0], "until": 1e-2}}
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     report = ol.Sweep.from_tables(tables).run(f"{folder}/store", progress=False)
    ...     print(report.n_failed, report.n_missing)
    0 0
    """

    store: Path
    status: NDArray[np.int8]
    computed: int
    elapsed: float
    stopped: str | None = None
    failures: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def n_failed(self) -> int:
        """Members that diverged or raised."""
        return int(np.isin(self.status, FAILURE_CODES).sum())

    @property
    def n_missing(self) -> int:
        """Members that are still to do."""
        return int((self.status == MISSING).sum())

    def lines(self) -> list[str]:
        """A summary for people.

        Returns the lines.

        >>> print(report.lines()[0].partition(": ")[2].partition(";")[0])
        4 of 4 members done (4 reached)
        """
        counts = [(int((self.status == code).sum()), name) for code, name in enumerate(ALL_STATUSES)]
        ends = ", ".join(f"{count} {name}" for count, name in counts if count)
        told = [f"{self.store}: {self.status.size - self.n_missing} of {self.status.size} members done"
                f"{f' ({ends})' if ends else ''}; {self.computed} computed now in {self.elapsed:.3g} s"]
        told += self.failures
        if self.lost:
            told.append(f"computed and not in the store: {', '.join(self.lost)}; see that all ranks write into the "
                        "same folder, and repeat the command")
        if self.stopped:
            told.append(f"stopped by {self.stopped}; repeat the command to resume")
        return told
