"""What is refused before a run begins: numbers so large or small that it could not end, or not in floating point."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from ohmlearn.kernels.ensemble.step_control import MOST_STEPS, STABLE
from ohmlearn.task import Task, as_tasks

LEAST, MOST = 1e-50, 1e50       # of rates, voltages, currents, conductances and times: their products are numbers still
FASTEST = 1e25                  # of dG/dt at R <= 1
MOST_UPDATES = 1e11             # discrete updates, or samples shown in turn: each costs as much as many steps


def outside(values: Any) -> np.ndarray[Any, Any]:
    """The values that are neither 0 nor of a size between LEAST and MOST."""
    size = np.abs(np.atleast_1d(np.asarray(values, dtype=np.float64)))
    return size[~((size == 0) | ((size >= LEAST) & (size <= MOST)))]


def check_drive(tasks: Iterable[Any]) -> None:
    """Raise ValueError where the voltages or currents of a task, as a whole, are too large or small."""
    for task in {id(task): task for task in tasks}.values():
        for sample in as_tasks(task):
            given = _sizes(sample)
            if given.size and outside(given.max()).size:
                raise ValueError(f"the largest voltage or current of the task is {given.max():g}; costs are its square "
                                 f"and need one between {LEAST:g} and {MOST:g}: state the task in other units")


def _sizes(task: Task) -> np.ndarray[Any, Any]:
    return np.abs(np.concatenate([task.source_voltages, task.target_voltages, list(task.currents.values()),
                                  list(task.drops.values())]))


def check_ranges(ensemble: Any) -> None:
    """Raise ValueError for what cannot be followed, or would not end within days."""
    for key, values, remedy in (("rate", ensemble.rates, "R = 0 is the quasistatic limit"),
                                ("t_max", ensemble.t_max or 0.0, "leave it out for 3000 training times"),
                                ("conductances", 0.0 if ensemble.conductances is None else ensemble.conductances,
                                 "give them in units of a typical one, G₀")):
        found = outside(values)
        if found.size:
            raise ValueError(f"{key} {found[0]:g} is out of range: 0, or from {LEAST:g} to {MOST:g}; {remedy}")
    if ensemble.until is not None and ensemble.until < LEAST:
        raise ValueError(f"until={ensemble.until:g} is too small: C* is resolved to about 1e-30 C*(0), and until must "
                         f"be at least {LEAST:g}; until=None runs for t_max")
    check_drive(ensemble.tasks)
    _check_speed(ensemble)
    for number in np.unique(ensemble.rates, return_index=True)[1].tolist():
        _check_length(ensemble, number)


def _check_speed(ensemble: Any) -> None:
    """Raise ValueError where conductances would move faster than one falls to its floor "at once"
    (kernels/law/bounds.py, AT_ONCE) on the slow manifold and at rate 0."""
    rule, slow = ensemble.rule, ensemble.rates[ensemble.rates <= 1]
    if not slow.size:
        return
    volts = max(float(_sizes(sample).max()) for task in {id(task): task for task in ensemble.tasks}.values()
                for sample in as_tasks(task))
    fastest = rule.prefactor * max(slow[slow > 0].max(initial=0.0), float(np.any(slow == 0)))
    pushed = 0.0 if rule.bias is None else float(np.abs(rule.bias).max())
    contrast = volts ** 2 * (1 + rule.nudge + rule.aging) + pushed
    stiff = not ensemble.plain and ensemble.updates is None and bool(np.any(slow == 0))
    if stiff and not ensemble.limit(int(np.argmin(ensemble.rates))) * fastest * contrast <= MOST_STEPS:
        raise ValueError(f"at rate 0 with prefactor {rule.prefactor:g}, nudge {rule.nudge:g} and the largest voltage "
                         f"{volts:g} more than {MOST_STEPS:.0e} steps would be taken; lower them, or shorten t_max")
    if fastest * contrast > FASTEST:
        raise ValueError(f"with the largest voltage {volts:g}, prefactor {rule.prefactor:g} and nudge {rule.nudge:g} "
                         f"conductances would change at {fastest * contrast:.1e} times G₀, and at most {FASTEST:g} can "
                         "be followed; state the task in other units, or lower the prefactor or the nudge")


def _check_length(ensemble: Any, number: int) -> None:
    """Raise ValueError where a member would take too many steps, as far as that is known before it begins."""
    rate, schedule = float(ensemble.rates[number]), ensemble.schedule
    time = ensemble.limit(number) - (0.0 if (run := ensemble.going_on(number)) is None else run.time)
    many: list[tuple[float, float, str, str]] = []
    if ensemble.updates is not None:
        step = ensemble.updates.step
        many.append((time * (rate or 1.0) / step, MOST_UPDATES, f"Discrete(step={step:g})",
                     "take a longer step, or shorten t_max"))
    elif schedule is not None and schedule.switching is not None and len(ensemble.samples(number)) > 1:
        many.append((time * schedule.switching, MOST_UPDATES, f"schedule.switching={schedule.switching:g}",
                     "show samples side by side, to which fast switching comes, or shorten t_max"))
    if ensemble.dt is not None:
        many.append((time / ensemble.dt, MOST_STEPS, f"dt={ensemble.dt:g}", "take a longer one, or shorten t_max"))
    if rate > 0 and ensemble.updates is None and not (ensemble.plain and ensemble.may_glide(number)):
        g = ensemble.conductances
        if ensemble.starts is None and (g is None or g.ndim == 1) and ensemble.rule.floor <= 1:
            many.append((time * ensemble.least_degree() / STABLE, MOST_STEPS, f"the time limit {time:g}",
                         "shorten t_max, or take rate 0, to which slow learning comes"))
    if rate > 0 and ensemble.updates is None and np.isfinite(ensemble.fall(number)):
        easy = ensemble.plain and ensemble.may_glide(number)
        many.append((ensemble.fall(number) * (min(time, 3000.0) if easy else time), MOST_STEPS,
                     f"floor_rate={ensemble.rule.floor_rate:g}",
                     "lower it, or take floor_mode='clip', to which it comes there"))
    for count, most, what, remedy in many:
        if not count <= most:
            raise ValueError(f"R = {rate:g} with {what} would take {count:.1e} steps, more than {most:.0e}: {remedy}")
