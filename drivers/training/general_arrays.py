"""The arrays of a general block of lanes."""
from __future__ import annotations

import numpy as np
from ohmlearn.kernels.ensemble import block_state
from ohmlearn.kernels.ensemble.block_state import Lanes
from ohmlearn.kernels.ensemble.rk4 import ROWS, Law
from ohmlearn.kernels.ensemble.step_control import LONGEST
from ohmlearn.kernels.general import stages as rows
from ohmlearn.kernels.general.equilibria import Solves
from ohmlearn.kernels.general.stages import General, Places
from ohmlearn.kernels.linalg.block_ldlt import Factor
from ohmlearn.kernels.simd.vectors import aligned
from ohmlearn.task import as_tasks

from .ensemble import Ensemble
from .lane_arrays import Prepared


class GeneralLayout(Prepared):
    """What all general blocks of an ensemble share besides, `at`: how much fits in, and where."""

    def __init__(self, ensemble: Ensemble) -> None:
        super().__init__(ensemble)
        network, schedule = ensemble.network, ensemble.schedule
        tasks = [as_tasks(task) for task in ensemble.tasks]
        most = max(len(task) for task in tasks)
        ramp = None if schedule is None else schedule.ramp_times
        shown = None if ensemble.updates is None else ensemble.updates.batch
        self.at = places(
            n=network.n_nodes, m=network.n_edges, K=self.n_targets,
            D=max(len(task[0].drops) for task in tasks), S=most,
            C=shown or (most if schedule is None or schedule.switching is None else 1),
            knots=1 if ramp is None else np.size(ramp), remembers=ensemble.rule.edge_scale is not None)


def allocate(layout: GeneralLayout, width: int) -> tuple[General, Solves]:
    """The arrays of a block whose lanes are idle."""
    at, graph, pattern = layout.at, layout.graph, layout.pattern
    masks = np.zeros((2, at.n), dtype=np.uint16)
    law = Law(masks[0], masks[0], masks[0], aligned(ROWS, width), aligned(1, width), aligned(at.m, width))
    lists = 2 * (at.K + at.D) + at.D
    general = General(graph.ends, np.zeros(lists * at.n, dtype=np.int32), np.zeros(lists, dtype=np.int32), law,
                      aligned(at.scratch + 4 * at.n, width), aligned(2 * at.n * at.C + 1, width),
                      aligned(2 * at.m, width), at)
    general.G[:at.m] = 1.0
    factor = Factor(aligned(at.n + pattern.row.size, width), aligned(at.n, width))
    return general, Solves(graph, pattern, factor, masks[1])


def places(**sizes: int) -> Places:
    """Where things begin in the rows of a block, of these sizes."""
    n, m, K, D, S, C = (sizes[name] for name in "nmKDSC")
    Q, Z, x = K + D, sizes["knots"], 2 * n * C + 1
    lengths = {"rule": rows.RULE_ROWS, "column": Q * n, "spread": Q * n, "spread_v": D * n, "used": Q,
               "drive": S * n, "desired": S * Q, "share": S, "now": C * n, "aim": C * Q, "trend": C * n, "turn": C * Q,
               "weight": C, "times": Z, "factors": Z, "k": x, "q": x, "r": 2 * m, "v": n, "w": n, "given": n,
               "wanted": Q, "gap": Q, "psi": Q * n, "couple": K * K, "ties": D * D, "delta": S * K, "rate": S * K,
               "error": C * K, "stiff": 1, "bounds": 4, "scratch": 4 * n}
    begins, begin = {}, 0
    for name in Places._fields[len(sizes):]:
        begins[name], begin = begin, begin + lengths.get(name, m)
    return Places(**sizes, **begins)


def lanes_of(layout: GeneralLayout, width: int) -> Lanes:
    """The records and notes of a block."""
    at = layout.at
    k = at.S * at.K
    shapes = {"errors": (LONGEST + 1, k), "last_x": (2 * at.n * at.C + 1,), "last_G": (2 * at.m,)}
    shapes |= {"each": ()} | dict.fromkeys(("times", "equilibrium", "nonequilibrium"), (layout.n_times,))
    kinds = {"each": block_state.MEMBER, "target": np.int64}
    return Lanes(**{name: np.zeros((*shapes.get(name, (k,)), width), dtype=kinds.get(name, np.float64))
                    for name in Lanes._fields})
