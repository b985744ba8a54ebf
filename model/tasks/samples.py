"""Several training samples at the same places."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.checks.kinds import check_kinds
from ohmlearn.task import Task

if TYPE_CHECKING:
    from ohmlearn.network import Network

DRAWS = 10_000


@check_kinds
def allosteric_samples(network: Network, samples: int = 2, sources: int = 10, targets: int = 3, seed: int = 0, *,
                       ground: int | None = -1, source_spread: float = 1.0, target_spread: float = 0.2,
                       feasible: bool = False) -> tuple[Task, ...]:
    """Samples of a random allosteric task: the first is :meth:`Task.allosteric` with this seed, the others have the
    same sources and targets at voltages of their own. Other arguments as there.

    samples : how many. sources, targets : numbers of nodes. seed : the same seed gives the same samples.

    Returns a tuple of Tasks, voltages in V.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> first, second = ol.tasks.allosteric_samples(net, 2, sources=3, targets=1)
    >>> first.targets.tolist() == second.targets.tolist(), bool(first.target_voltages[0] == second.target_voltages[0])
    (True, False)
    """
    if samples < 1:
        raise ValueError(f"samples={samples}: a task has one sample at least")
    first = Task.allosteric(network, sources, targets, seed, ground=ground, source_spread=source_spread,
                            target_spread=target_spread, feasible=feasible)
    found = [first]
    rng = np.random.default_rng([seed, sources, targets])
    for rejected in range(DRAWS):
        if len(found) == samples:
            return tuple(found)
        held = np.append(rng.normal(0, source_spread, sources), np.zeros(first.sources.size - sources))
        drawn = Task(first.sources, held, first.targets, rng.normal(0, target_spread, targets), rejected)
        if drawn.feasible or not feasible:
            found.append(drawn)
    raise ValueError(f"no {samples} feasible samples in {DRAWS} draws with {sources} sources and {targets} targets; "
                     "lower target_spread or add sources")
