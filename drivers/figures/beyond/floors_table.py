"""The table of the two floors: what differs, from which R on, and what makes the difference."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ohmlearn.drivers.analysis.training_times import MARGIN, line_slope
from ohmlearn.drivers.figures.verdicts import judge, median_error

if TYPE_CHECKING:
    from .floors_data import Ends, Floors

SLOW = 0.1                  # up to this R both are a projection
ALIKE = 0.05                # training times there agree within this fraction
DIFFERENT = 0.1             # medians that differ by more are told apart
FAST = 1e3                  # from this R on conductances follow √R
NEAR = 2.0                  # a fast relaxation is clip within this factor
QUANTITIES = {"times": "τ", "mean": "mean G", "cut": "cut edges", "highest": "largest C*", "stiffness": "λ1"}

TITLE = """Two floors on conductances, both at 1e-2. relax: a conductance falls no faster than it relaxes to the floor,
at unit rate; the published runs have it. clip: it falls as fast as learning wants and stops at the floor. Medians over
the tasks that reached C* = 1e-6 C*(0); cut: edges below a tenth of their start; λ1: largest eigenvalue of 2JᵀJ at the
end."""


def table(data: Floors, title: str = "") -> str:
    """The comparison as text."""
    lines = [title, TITLE]
    for name, found in data.over.items():
        lines += ["", f"{name}, over R", *rows(found, "R")]
    lines += ["", "relax at R = 1e4, over the rate at which conductances relax (in γp)", *rows(data.between, "rate")]
    return "\n".join([*lines, "", *verdicts(data)]) + "\n"


def rows(found: Ends, what: str) -> list[str]:
    """A line per value: tasks that reached the threshold, mean τ, medians, and the largest λ₁."""
    lines = [f"{what:>10}{'reached':>9}{'mean τ':>10}" + "".join(f"{words:>12}" for words in QUANTITIES.values())
             + f"{'largest λ1':>12}"]
    for k, value in enumerate(found.values):
        lines.append(f"{value:>10.4g}{f'{found.tau.reached[k]}/{len(found.times)}':>9}{found.tau.mean[k]:>10.3g}"
                     + "".join(f"{found.middle(name)[k]:>12.3g}" for name in QUANTITIES)
                     + f"{np.nanmax(found.stiffness[:, k], initial=-np.inf):>12.3g}")
    return lines


def verdicts(data: Floors) -> list[str]:
    """Where they differ, and why."""
    return [*judge_where(data), *judge_growth(data), *judge_why(data)]


def judge_where(data: Floors) -> list[str]:
    """Training times at small R, and the first R at which each quantity is another."""
    relax, clip = data.over["relax"], data.over["clip"]
    lines = []
    slow = np.flatnonzero(relax.values <= SLOW * MARGIN)
    if slow.size:
        apart = np.abs(clip.times / relax.times - 1)[:, slow]
        worst = int(np.argmax(np.nanmedian(apart, axis=0)))
        off = np.nanmedian(apart[:, worst])
        lines.append(judge(off - ALIKE, median_error(apart[:, worst]),
                           f"where: τ of a task under clip and relax apart by {off:.2g} (median) at R <= {SLOW:g}; "
                           f"expected {ALIKE:g}: both are a projection there"))
    for name, words in QUANTITIES.items():
        a, b = relax.middle(name), clip.middle(name)
        differ = np.flatnonzero(np.abs(b - a) > DIFFERENT * np.maximum(a, b))
        first = f"from R = {relax.values[differ[0]]:g} on" if differ.size else "nowhere"
        most = f"; at R = {relax.values[-1]:g} {a[-1]:.3g} under relax, {b[-1]:.3g} under clip"
        lines.append(f"      where: medians of {words} differ by more than {DIFFERENT:.0%} {first}{most}")
    return lines


def judge_growth(data: Floors) -> list[str]:
    """Conductances follow √R under either: it is not growth that tells the two apart."""
    lines = []
    for name, found in data.over.items():
        fast = found.values >= FAST / MARGIN
        if fast.sum() >= 3:
            slope, error = line_slope(np.log(found.values[fast]), np.log(found.middle("mean")[fast]))
            size = np.median((found.middle("mean") / np.sqrt(found.values))[fast])
            lines.append(judge(abs(slope - 0.5) - 0.1, error,
                               f"why: exponent of the mean conductance in R from {FAST:g} on under {name}: {slope:.3f} "
                               f"± {error:.3f}, {size:.2f} √R; expected 0.5 ± 0.1 under either"))
    return lines


def judge_why(data: Floors) -> list[str]:
    """Edges that are cut, and what a faster relaxation does about them."""
    relax, clip, between = data.over["relax"], data.over["clip"], data.between
    at = np.flatnonzero(np.isclose(clip.values, 1e4))
    lines = [judge(max(relax.middle("cut")[-1] - 0.01, 0.1 - clip.middle("cut")[-1]),
                   max(median_error(found.cut[:, -1]) for found in (relax, clip)),
                   f"why: cut edges at R = {clip.values[-1]:g}: {relax.middle('cut')[-1]:.1%} under relax, as learning "
                   f"ends before a conductance has had time to fall, {clip.middle('cut')[-1]:.1%} under clip; expected "
                   "under 1% and over 10%")]
    for name in ("cut", "stiffness") if at.size else ():
        slow, fast, limit = between.middle(name)[0], between.middle(name)[-1], clip.middle(name)[at[0]]
        off = abs(np.log(fast / limit)) - np.log(NEAR)
        words = (f"why: {QUANTITIES[name]} at R = 1e4 when conductances may relax {between.values[-1]:g} times as "
                 f"fast: from {slow:.3g} to {fast:.3g}, under clip {limit:.3g}")
        spread = np.hypot(_median_error(between, name, -1), _median_error(clip, name, at[0]))
        lines.append(judge(off, spread, f"{words}; expected that of clip within a factor {NEAR:g}: the limited fall is "
                                        "what differs"))
    return lines


def _median_error(found: Ends, name: str, column: int) -> float:
    """Standard error of the logarithm of a median over tasks."""
    values = getattr(found, name)[:, column]
    return median_error(np.log(values[np.isfinite(values) & (values > 0)]))
