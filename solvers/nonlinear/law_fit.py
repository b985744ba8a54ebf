"""What a fit of laws to measurements found, how well, and what the measurements leave open."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .law_unknowns import Tried, Unknown

Floats = NDArray[np.float64]
NOTHING = 1e-10     # of the largest singular value: what is below it is rounding
LOOSE = 1.0         # standard error, relative or in the unit of a parameter, above which a combination is open
NAMED = 6           # parameters of a combination that are written out


@dataclass(frozen=True, eq=False)
class LawFit:
    """A fit of laws of edges to measurements.

    law : the laws with the fitted parameters, as `edges=` takes them. factors : (n_edges,) factors of the conductances
        that were set, 1 where they were not fitted.
    names : what was fitted, in words. values, standard_errors : (n_unknowns,) in the units of the parameters; an error
        is inf where the data leave a parameter open, NaN where nothing tells the errors of the readings.
    covariance : (n_unknowns, n_unknowns) of the parameters, as far as the data determine them.
    residuals : (n_readings,) calculated less measured, in standard errors of the readings, or in their units if none
        were given. chi2 : sum of their squares. degrees_of_freedom : readings less what they determine.
    singular_values : (n_unknowns,) of the derivatives of the residuals by what is varied, largest first: the inverse
        of the standard errors of the combinations. combinations : (n_unknowns, n_unknowns), one a row.
    undetermined : combinations that the data leave open, in words: those with a standard error above 100 % (above 1 in
        the unit of a parameter that is not varied by its logarithm). evaluations : of the circuit, without
        those of a first fit with all edges alike.

    With standard errors of the readings given, chi2 should be near degrees_of_freedom; without, the spread of the
    residuals is taken for them.

    >>> import ohmlearn as ol
    >>> net = ol.Network.grid(3, 3)
    >>> read = ol.edges.simulate_measurements(net, ol.edges.Linear(), [0, 8], [[1.0, 0.0]], nodes=range(1, 8))
    >>> found = ol.edges.fit_law(net, ol.edges.Linear(), read, fit=["factor"])
    >>> found.undetermined
    ['ln factor']
    """

    law: Any
    factors: Floats
    names: list[str]
    values: Floats
    standard_errors: Floats
    covariance: Floats
    residuals: Floats
    chi2: float
    degrees_of_freedom: int
    singular_values: Floats
    combinations: Floats
    undetermined: list[str]
    evaluations: int
    _unknowns: list[Unknown] = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        """A parameter by its name: one number, or (n_edges,) with NaN where an edge does not have it."""
        return self._of(name, self.values)

    def error(self, name: str) -> Any:
        """Standard errors of a parameter.

        name : as in `fit` or `per_edge`.

        Returns a number, or an (n_edges,) array with NaN where an edge does not have the parameter.

        >>> import ohmlearn as ol
        >>> net = ol.Network.grid(3, 3)
        >>> read = ol.edges.simulate_measurements(net, ol.edges.Linear(), [0, 8], [[1.0, 0.0]], terminals=[0],
        ...                                       current_error=1e-3)
        >>> found = ol.edges.fit_law(net, ol.edges.Linear(), read, fit=["factor"])
        >>> abs(found["factor"] - 1) < 4 * found.error("factor") < 0.01
        True
        """
        return self._of(name, self.standard_errors)

    def _of(self, name: str, numbers: Floats) -> Any:
        begin, found = 0, None
        for unknown in self._unknowns:
            some = numbers[begin:begin + unknown.start.size]
            begin += some.size
            if unknown.name != name:
                continue
            if not unknown.each and len(unknown.edges) == self.factors.size:
                return float(some[0])
            found = np.full(self.factors.size, np.nan) if found is None else found
            found[unknown.edges] = some
        if found is None:
            raise KeyError(f"{name!r} was not fitted; fitted were {', '.join({each.name for each in self._unknowns})}")
        return found

    def __str__(self) -> str:
        rows = [f"{name}: {value:.6g} ± {error:.2g}" for name, value, error in
                zip(self.names, self.values, self.standard_errors, strict=True)]
        rows.append(f"chi² {self.chi2:.4g} with {self.degrees_of_freedom} degrees of freedom")
        rows += [f"the data leave open: {combination}" for combination in self.undetermined]
        return "\n".join(rows)


def described(now: Tried, given: Sequence[Unknown], x: Floats, residuals: Floats, jacobian: Floats, size: float,
              weighed: bool, evaluations: int) -> LawFit:
    """The result of a fit at values x of what is varied. size : norm of the readings, in the unit of the residuals.
    weighed : whether that is standard errors."""
    names = [label for unknown in given for label in unknown.labels]
    logarithmic = np.repeat([unknown.logarithmic for unknown in given], [unknown.start.size for unknown in given])
    p = x.size
    _, sizes, combinations = np.linalg.svd(jacobian, full_matrices=True)
    sizes = np.concatenate([sizes, np.zeros(p - sizes.size)])
    known = sizes > NOTHING * max(sizes.max(initial=0.0), size)
    chi2, freedom = float(residuals @ residuals), residuals.size - int(known.sum())
    spread = 1.0 if weighed else np.sqrt(chi2 / freedom) if freedom > 0 else np.nan
    errors = np.full(p, np.inf)
    errors[known] = spread / sizes[known]
    rows, open_ = combinations[known] * errors[known, None], combinations[~known]
    values = np.where(logarithmic, np.exp(x), x)
    scale = np.where(logarithmic, values, 1.0)
    covariance = scale[:, None] * (rows.T @ rows) * scale
    standard = np.sqrt(np.diagonal(covariance))
    standard[np.abs(open_).max(axis=0, initial=0.0) > 1e-6] = np.inf
    loose = combinations[errors > LOOSE]
    return LawFit(now.edges, now.factors, names, values, standard, covariance, residuals, chi2, freedom, sizes,
                  combinations, _in_words(loose, names, logarithmic), evaluations, list(given))


def _in_words(space: Floats, names: Sequence[str], logarithmic: NDArray[np.bool_]) -> list[str]:
    """A basis of the space that some combinations (k, n_unknowns) span, with as few parameters each as can be: each has
    a parameter that the others do not."""
    if not len(space):
        return []
    from scipy.linalg import qr

    pivots = qr(space, mode="r", pivoting=True)[1][:len(space)]
    basis = np.linalg.solve(space[:, pivots], space)
    written = [f"ln {name}" if by_logarithm else name for name, by_logarithm in zip(names, logarithmic, strict=True)]
    return [_sum(row, written) for row in basis[np.argsort(pivots)]]


def _sum(row: Floats, names: Sequence[str]) -> str:
    """A sum of names times numbers, those that are small beside the largest left out."""
    row = row / row[np.argmax(np.abs(row))]
    which = np.argsort(-np.abs(row).round(2), kind="stable")
    which = which[np.abs(row[which]) > 0.05]
    if len(which) == 1:
        return names[which[0]]
    shown = sorted(which[:NAMED])
    sizes = [f"{abs(row[k]):.2g} ".removeprefix("1 ") for k in shown]
    words = " ".join(f"{'-' if row[k] < 0 else '+'} {size}{names[k]}" for k, size in zip(shown, sizes, strict=True))
    more = f" and {len(which) - NAMED} more" if len(which) > NAMED else ""
    return words.removeprefix("+ ") + more
