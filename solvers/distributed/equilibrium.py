"""Equilibrium voltages of one network whose nodes are shared by the ranks of an MPI job."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ohmlearn.kernels.linalg.laplacian import node_currents, node_currents_compensated, total_conductances
from ohmlearn.solvers.equilibrium.preconditioner_reuse import Stats
from ohmlearn.solvers.equilibrium.refined_solve import (
    ATTAINED,
    FURTHER,
    HUB,
    NEARLY,
    OVERSHOOT,
    ROUNDS,
    SPREAD,
    TINY,
    NotConverged,
    mean_change,
)

from .floating_parts import check_floating
from .part import Part
from .rank_rows import RankRows
from .rank_solve import METHODS, RankSolve
from .reductions import RankSums
from .resistances import resistances

Floats = NDArray[np.float64]
BALANCED = 1e-9     # how far injected currents may be from adding up to 0 where no node is held, over the largest


class DistributedEquilibrium:
    """:class:`ohmlearn.Equilibrium` over ranks: each holds a part of the network and gets the voltages of its nodes.

    part : what this rank holds of the network.
    held : (n_held,) global numbers of the nodes whose voltages are given, alike on all ranks. Every component of the
        network needs one. None at all is allowed for a network of one component: voltages then have the mean 0, and
        injected currents must add up to 0.
    method : "auto" and "approximate-cholesky" are conjugate gradients with a sampled factor over ranks, for which
        mpi4py is enough; "petsc" takes PETSc's multigrid instead.
    rtol : largest error of a voltage, by estimate, relative to the largest voltage difference; checked on every solve.
    keep : while conductances drift, go on with the factor of older ones as long as that pays.

    stats : what solves took, alike on all ranks but for the seconds. n_border : see
    :class:`ohmlearn.solvers.distributed.border_factor.BorderFactor`.

    All ranks must make every call together. At a fixed number of ranks and parts the same calls give the same bits.

    >>> import numpy as np
    >>> from mpi4py import MPI
    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(4, 4)
    >>> part = Part.of(net, np.arange(16) * MPI.COMM_WORLD.size // 16, MPI.COMM_WORLD)
    >>> circuit = DistributedEquilibrium(part, held=[0, 15])
    >>> circuit.solve(1.0, held_voltages=[1.0, 0.0]).round(3).tolist()[:4]
    [1.0, 0.731, 0.577, 0.5]
    """

    def __init__(self, part: Part, held: ArrayLike, method: str = "auto", rtol: float = 1e-10, *, keep: bool = True
                 ) -> None:
        self.part, self.rtol, self.stats = part, rtol, Stats()
        self.held = np.atleast_1d(np.asarray(held)).astype(np.int64)
        self._check(method)
        self.floating = not self.held.size
        if self.floating:
            self.held = np.zeros(1, dtype=np.int64)     # node 0 is at 0 while it is solved for
        self.rows = RankRows(part, self.held)
        self._sums = RankSums(part.comm)
        self._solver = RankSolve(self.rows, self._sums, method, keep, self.stats)
        network = self.rows.network
        self._hub = bool(self._sums.largest(0.0 if network is None else float(network.degree.max()))[0] > HUB)
        check_floating(self.rows, self._sums, np.ones(self.rows.edges.size, dtype=bool), self.floating)
        self._conductances: Floats | None = None
        self._last: list[Floats] = []

    def _check(self, method: str) -> None:
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)} over ranks, not {method!r}")
        given: Any = self.rtol
        if isinstance(given, bool) or not isinstance(given, int | float | np.number) or not 0 < given < 1:
            raise ValueError(f"rtol must lie between 0 and 1, not {self.rtol!r}; 1e-10 is usual")
        unique, counts = np.unique(self.held, return_counts=True)
        if (counts > 1).any():
            raise ValueError(f"node {unique[counts > 1][0]} is listed twice among the held nodes")
        wrong = unique[(unique < 0) | (unique >= self.part.n_nodes)]
        if wrong.size:
            raise ValueError(f"held node {wrong[0]} does not exist; nodes run from 0 to {self.part.n_nodes - 1}")

    def forget(self) -> None:
        """Drop what was kept of earlier solves: from here on, the bits depend on what is asked from here on.

        >>> import ohmlearn as ol
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     stored = ol.distributed.store_grid(f"{folder}/grid.zarr", 4, 4)
        ...     circuit = ol.distributed.StoredEquilibrium(stored, held=[0, 15])
        ...     v = circuit.solve(None, [1.0, 0.0])
        ...     circuit.forget()
        ...     bool((circuit.solve(None, [1.0, 0.0]) == v).all())
        True
        """
        self._conductances, self._last = None, []
        self._solver.forget()

    def solve(self, conductances: ArrayLike = 1.0, held_voltages: ArrayLike | None = None,
              currents: ArrayLike | None = None, *, start: ArrayLike | None = None) -> Floats:
        """Voltages (nodes,) of the nodes that the part holds, own ones and neighbours, or (nodes, k) for k right-hand
        sides.

        conductances : (edges,) G >= 0 of the edges that the part holds, or one number for all.
        held_voltages : (n_held,) or (n_held, k) in V, alike on all ranks; None holds all at 0.
        currents : (nodes,) or (nodes, k) in A, injected at the nodes; those of neighbours are not looked at.
        start : (nodes,) or (nodes, k) guess, by default the last solution; used where it is nearer than zero.

        Returns (nodes,) or (nodes, k) voltages in V.
        Raises NotConverged, on all ranks, rather than return voltages that are further off than rtol, by estimate.

        >>> import numpy as np
        >>> from mpi4py import MPI
        >>> import ohmlearn as ol
        >>> part = Part.of(ol.Network.grid(2, 3), np.arange(6) * MPI.COMM_WORLD.size // 6, MPI.COMM_WORLD)
        >>> DistributedEquilibrium(part, held=[0, 5]).solve(1.0, [1.0, 0.0]).round(3).tolist()
        [1.0, 0.571, 0.286, 0.714, 0.429, 0.0]
        """
        g, held, injected, guess, k = self._arguments(conductances, held_voltages, currents, start)
        single = all(x is None or np.ndim(x) == 1 for x in (held_voltages, currents))
        self._take(g)
        self._solver.expect(k)
        iterations, error, residual, found, last = [], 0.0, 0.0, [], []
        for column in range(k):
            volts, into = (x[:, min(column, x.shape[1] - 1)] for x in (held, injected))
            near = None if guess is None else guess[self.rows.row_places, min(column, guess.shape[1] - 1)]
            if near is None and len(self._last) == k:
                near = self._last[column]
            rows, whole = self._column(volts, np.ldexp(into, self.unit), near)
            last.append(rows)
            found.append(whole)
            iterations += self.stats.iterations
            error, residual = max(error, self.stats.error), max(residual, self.stats.residual)
        self.stats.iterations, self.stats.error, self.stats.residual = iterations, error, residual
        self._last = last
        return found[0] if single else np.column_stack(found)

    def effective_resistance(self, pairs: ArrayLike, conductances: ArrayLike = 1.0) -> Floats:
        """(n_pairs,) resistances between pairs of nodes, in 1/G₀, with all held nodes joined to one; a solve for each
        pair, or for each node in them where these are fewer.

        pairs : (n_pairs, 2) global numbers of nodes, alike on all ranks. conductances : as in `solve`.

        Returns (n_pairs,) floats, the same on every rank. Raises ValueError where a node does not exist.

        >>> import numpy as np
        >>> from mpi4py import MPI
        >>> import ohmlearn as ol
        >>> part = Part.of(ol.Network.grid(2, 2), np.arange(4) * MPI.COMM_WORLD.size // 4, MPI.COMM_WORLD)
        >>> DistributedEquilibrium(part, held=[]).effective_resistance([(0, 1), (0, 3)]).round(9).tolist()
        [0.75, 1.0]
        """
        wanted = np.asarray(pairs, dtype=np.int64)
        if wanted.ndim != 2 or wanted.shape[1] != 2:
            raise ValueError(f"pairs must have shape (n_pairs, 2), not {wanted.shape}")
        wrong = wanted[(wanted < 0) | (wanted >= self.part.n_nodes)]
        if wrong.size:
            raise ValueError(f"node {wrong[0]} of a pair does not exist; nodes run from 0 to {self.part.n_nodes - 1}")
        zeros = np.zeros(self.part.nodes.size)
        return resistances(self.part, wanted, lambda into: self.solve(conductances, None, into, start=zeros),
                           not self.floating)

    def _arguments(self, conductances: ArrayLike, held_voltages: ArrayLike | None, currents: ArrayLike | None,
                   start: ArrayLike | None) -> tuple[Floats, Floats, Floats, Floats | None, int]:
        """What `solve` was given, checked, as columns; an error on any rank is raised on all."""
        part, trouble = self.part, None
        n, n_held = part.nodes.size, 0 if self.floating else self.held.size
        try:
            g = np.ascontiguousarray(np.broadcast_to(np.asarray(conductances, dtype=np.float64),
                                                     part.edge_numbers.shape))
            bad = np.flatnonzero(~(np.isfinite(g) & (g >= 0)))
            if bad.size:
                raise ValueError(f"conductances must be finite and >= 0, not {g[bad[0]]} at edge "
                                 f"{part.edge_numbers[bad[0]]}")
            columns = [_columns(held_voltages, n_held, "held_voltages"), _columns(currents, n, "currents")]
            guess = None if start is None else _columns(start, n, "start")
            k = max(x.shape[1] for x in columns)
            if not {x.shape[1] for x in columns} <= {1, k}:
                raise ValueError(f"held_voltages has {columns[0].shape[1]} columns and currents has "
                                 f"{columns[1].shape[1]}; give both as many, or one of them one only")
        except (ValueError, TypeError) as error:
            trouble = error
        self._sums.agree(trouble)
        held = np.zeros((1, k)) if self.floating else columns[0]
        if self.floating:
            self._require_balance(columns[1])
        return g, held, columns[1], guess, k

    def _require_balance(self, injected: Floats) -> None:
        own = injected[self.part.own]
        for column in own.T:
            total, size = self._sums.gathered([column.sum(), abs(column).max(initial=0.0)]).T
            if not abs(total.sum()) <= BALANCED * size.max():
                raise ValueError(f"where no node is held, currents must add up to 0, not {total.sum():.3g} A; hold a "
                                 "node that takes the rest")

    def _take(self, g: Floats) -> None:
        """Take new conductances (edges of the part,); see `RefinedSolve.take`."""
        g = g[self.rows.edges]
        before = self._conductances
        same = before is not None and np.array_equal(g, before)
        with np.errstate(divide="ignore"):
            span = np.log2(g, where=g > 0, out=np.full_like(g, np.nan))
        changed, zeros, most, least = self._sums.largest(
            float(not same), float(not g.all()), float(np.nanmax(span, initial=-np.inf)),
            float(np.nanmax(-span, initial=-np.inf)))
        if not changed:
            return
        if zeros:
            check_floating(self.rows, self._sums, g > 0, self.floating)
        most, least = (most, -least) if np.isfinite(most) else (0.0, 0.0)
        self._span, middle = (2.0**least, 2.0**most), (least + most) / 2
        self.unit = 0 if abs(middle) < 200 else -round(middle)
        self._contrast = float((most - least) * np.log10(2))
        self.scaled = np.ldexp(g, self.unit) if self.unit else g
        moved = np.inf
        if before is not None:
            change, count = self._sums.sum(mean_change(before, g) * g.size if g.size else 0.0, float(g.size))
            moved = float(change / max(count, 1.0))
        self._solver.update(*self.rows.reduce(self.scaled), self._contrast, moved, self.scaled)
        self._conductances = g

    def _column(self, volts: Floats, injected: Floats, guess: Floats | None) -> tuple[Floats, Floats]:
        """Own rows (n_own,) and nodes of the part (nodes,), for one right-hand side, worked out relative to one of the
        held voltages."""
        rows, lap = self.rows, self.rows.laplacian
        shift = float(np.clip(0.0, volts.min(), volts.max()))
        volts, into = volts - shift, injected[rows.row_places]
        nodes = np.zeros(self.part.nodes.size)
        nodes[rows.held_places] = volts[rows.held_here]
        right = np.zeros(0)
        if lap is not None:
            whole = np.zeros((1, lap.n_rows))
            lap.add_held_currents(whole, self.scaled, nodes[rows.places[rows.held_near], None])
            right = whole[0, :rows.n_own] + into
        driven = bool(self._sums.largest(float(abs(into).max(initial=0.0)))[0] > 0.0)
        span = float(np.ptp(volts))
        found = self._solved(right, None if guess is None else guess - shift, 0.0 if driven else span, False)
        found = self._refine(found, nodes, into, driven, span)
        if not driven:
            self._check_bounds(found, volts)
        nodes[rows.row_places] = found
        if self.floating:
            every = self._sums.gathered([nodes[self.part.own].sum()])
            shift = -float(every.sum()) / self.part.n_nodes
        nodes += shift
        self.part.halo.exchange([nodes])
        return found + shift, nodes

    def _solved(self, right: Floats, guess: Floats | None, scale: float, more: bool) -> Floats:
        """(n_own,) voltages, of which only those of the core take iterations; more : as corrections."""
        most = float(self._sums.largest(float(abs(right).max(initial=0.0)))[0])
        if most > 0 and not TINY < most < 1 / TINY:
            unit = int(np.frexp(most)[1])
            near = None if guess is None else np.ldexp(guess, -unit)
            return np.ldexp(self._solved(np.ldexp(right, -unit), near, float(np.ldexp(scale, -unit)), more), unit)
        core, handed = self.rows.restrict(right)
        start = None
        if guess is not None:
            start = guess if self.rows.laplacian is None else guess[self.rows.mesh.kept[:self.rows.n_core]]
        goal = (FURTHER if more else NEARLY) * self.rtol
        return self.rows.extend(self._solver.solve(core, start, scale, goal, more), handed)

    def _refine(self, found: Floats, nodes: Floats, into: Floats, driven: bool, span: float) -> Floats:
        """Correct rows (n_own,) until their errors are small enough, by the criterion of `RefinedSolve` over all ranks.

        nodes : (nodes,) voltages of held nodes; filled in with the others.
        """
        iterations, attempts = list(self.stats.iterations), 0
        while True:
            left = self._residuals(found, nodes, into)
            correction = self._corrected(left)
            blur = self._corrected(4 * np.finfo(float).eps * abs(left)) if self._careful else np.zeros_like(left)
            size, error, hidden, over = self._sums.largest(*(
                float(abs(x).max(initial=0.0)) for x in (found, correction, blur, left / self._totals)))
            scale = max(span, size)
            if error <= self.rtol * scale and hidden <= max(ATTAINED, self.rtol) * scale:
                break
            attempts += 1
            if attempts == ROUNDS or self._solver.gave_up:
                self._refuse(correction, blur, scale)
            found = found + self._solved(left, None, scale, True)
            iterations[0] += self.stats.iterations[0]
            self.stats.iterations = list(iterations)
        self.stats.error = float(error + hidden)
        self.stats.residual = float(over / scale) if scale > 0 else 0.0
        return found

    @property
    def _careful(self) -> bool:
        return self._contrast > SPREAD or self._hub

    def _residuals(self, found: Floats, nodes: Floats, into: Floats) -> Floats:
        """b - L v over the own rows, from the edges."""
        rows, lap = self.rows, self.rows.laplacian
        nodes[rows.row_places] = found
        self.part.halo.exchange([nodes])
        self._totals = np.ones(found.size)
        if lap is None:
            return into
        v, edges = nodes[rows.places], lap.network.edges
        currents = np.zeros_like(v)
        own = lap.free[:rows.n_own]
        if self._careful:
            currents[own] = -into
            node_currents_compensated(currents, np.empty_like(v), edges, self.scaled, v)
            left = -currents[own]
        else:
            node_currents(currents, edges, self.scaled, v)
            left = into - currents[own]
        totals = np.empty(lap.n_rows)
        total_conductances(totals, lap.ends, lap.sorted(self.scaled))
        self._totals = totals[:rows.n_own]
        return left

    def _corrected(self, left: Floats) -> Floats:
        """Estimate (n_own,) of what rows lack, from residuals."""
        core, handed = self.rows.restrict(left)
        z, factor = self._solver.correction(core)
        found = self.rows.extend(z, handed)
        return found * factor if np.isfinite(factor) else np.full_like(found, np.inf)

    def _check_bounds(self, found: Floats, volts: Floats) -> None:
        """The maximum principle, where no current is injected."""
        outside = float(self._sums.largest(max(float(found.max(initial=-np.inf)) - volts.max(),
                                               volts.min() - float(found.min(initial=np.inf))))[0])
        if not outside <= OVERSHOOT * abs(volts).max():
            raise NotConverged(f"the solve with {self.stats.method!r} gave voltages {outside:.1e} V outside those held"
                               ", which the maximum principle forbids; take method='approximate-cholesky'")

    def _refuse(self, correction: Floats, blur: Floats, scale: float) -> None:
        """Say on all ranks what all ranks see."""
        goal = self.rtol * scale
        worst, hidden = self._sums.largest(*(float(abs(x).max(initial=0.0)) for x in (correction, blur)))
        by_rounding = worst <= goal
        error = abs(blur if by_rounding else correction)
        worst = hidden if by_rounding else worst
        count = int(self._sums.sum(float(np.count_nonzero(~(error <= goal))))[0])
        order = np.argsort(-np.nan_to_num(error, nan=np.inf), kind="stable")[:5]
        numbers = self.part.nodes[self.rows.row_places]
        every = self._sums.joined(np.column_stack([np.nan_to_num(error[order], nan=np.inf), numbers[order]]))
        most = every[np.argsort(-every[:, 0], kind="stable")][:min(5, count), 1].astype(np.int64)
        self.stats.error = float(worst)
        if by_rounding:
            why, remedy = "rounding of the currents alone hides as much", "raise the smallest conductances"
        elif not np.isfinite(worst):
            why = "to rounding, its factor has lost the weak connections to the held nodes"
            remedy = "take method='approximate-cholesky'"
        else:
            why, remedy = f"after {max(self.stats.iterations)} iterations", "raise rtol, or the smallest conductances"
            if self.stats.method != "approximate-cholesky":
                remedy = "take method='approximate-cholesky', or raise the smallest conductances"
        raise NotConverged(
            f"the solve with {self.stats.method!r} over {self.part.comm.size} ranks stopped where voltages may be "
            + (f"off by {worst:.1e} V" if np.isfinite(worst) else "wrong")
            + f", above rtol={self.rtol:g} of {scale:.3g} V, at {count} node{'s' if count != 1 else ''}, most at "
            f"{', '.join(map(str, most))}: {why}; conductances span {self._span[0]:.1e} to {self._span[1]:.1e}; "
            f"{remedy}")


def _columns(values: ArrayLike | None, length: int, what: str) -> Floats:
    """(length, k) columns; zeros for None."""
    if values is None:
        return np.zeros((length, 1))
    given: Any = np.asarray(values, dtype=np.float64)
    columns = given[:, None] if given.ndim == 1 else given
    if columns.ndim != 2 or len(columns) != length or columns.shape[1] == 0 or not np.isfinite(columns).all():
        raise ValueError(f"{what} must be finite and of shape ({length},) or ({length}, k), not {given.shape}")
    return np.asarray(columns, dtype=np.float64)
