"""The pages of the API reference, written from what `ohmlearn` exports: a new public name needs no edit here.

A name that GROUPS does not know comes under "More".
"""
from __future__ import annotations

from pathlib import Path

GROUPS = {
    "Networks and tasks": ["Network", "Task", "Constraint", "allosteric_samples", "read_spice", "Netlist"],
    "Training": ["train", "Rule", "Schedule", "Discrete", "Record", "Run", "Runs", "descend", "GradientFlow"],
    "Learning from data": ["CoupledRegressor", "CoupledClassifier"],
    "Sweeps": ["Sweep", "open_results"],
    "Equilibrium and modes": ["Equilibrium", "voltages", "soft_modes"],
    "Hessians": ["hessian", "soft_mode", "soft_approximation", "follow", "follow_training", "measure_responses",
                 "Responses"],
    "Theory": ["theory"],
    "The lab circuit": ["lab", "lab_network", "lab_task", "LabCircuit", "LabRun", "LabRuns"],
}
# Not exported: what functions return, what classes of the face hand on, and what their errors are.
RESULTS = {
    "Descent": "ohmlearn.drivers.descent.descend", "Hessian": "ohmlearn.solvers.hessian.hessian",
    "SoftMode": "ohmlearn.solvers.hessian.soft_mode",
    "SoftApproximation": "ohmlearn.solvers.hessian.soft_mode", "Course": "ohmlearn.solvers.hessian.hessian_trajectory",
    "Modes": "ohmlearn.solvers.equilibrium.modes", "Stats": "ohmlearn.solvers.equilibrium.preconditioner_reuse",
    "Report": "ohmlearn.drivers.sweeps.report",
    "Theory": "ohmlearn.solvers.theory.linear_theory", "LearningModes": "ohmlearn.solvers.theory.learning_modes",
    "Diverged": "ohmlearn.drivers.training.train", "NotConverged": "ohmlearn.solvers.equilibrium.equilibrium",
    "OperatingPoint": "ohmlearn.io.operating_point",
}
FUNCTIONS = ["ohmlearn.generators.packing", "ohmlearn.generators.delaunay", "ohmlearn.generators.grid",
             "ohmlearn.generators.random", "ohmlearn.io.files.read", "ohmlearn.io.files.read_conductances",
             "ohmlearn.io.files.write", "ohmlearn.io.networkx_graphs.from_networkx",
             "ohmlearn.io.networkx_graphs.to_networkx", "ohmlearn.io.networkx_graphs.networkx_conductances",
             "ohmlearn.drawing.draw", "ohmlearn.io.task_toml.read_tasks",
             "ohmlearn.drivers.jobs.run_sweep.run_sweep", "ohmlearn.drivers.display.network_page.show"]


def grouped() -> dict[str, list[str]]:
    """{title: public names}, all of them."""
    import ohmlearn

    public = [name for name in ohmlearn.__all__ if name != "__version__"]
    groups = {title: [name for name in names if name in public] for title, names in GROUPS.items()}
    rest = [name for name in public if not any(name in names for names in groups.values())]
    return groups | ({"More": rest} if rest else {})


def write(folder: Path) -> None:
    """Write the page of all names, a table for every group, into `folder`."""
    folder.mkdir(exist_ok=True)
    sections = list(grouped().items())
    sections += [("What comes back", [f"~{module}.{name}" for name, module in RESULTS.items()]),
                 ("Functions behind the methods", [f"~{name}" for name in FUNCTIONS])]
    text = ["All names", "=========", ""]
    for title, names in sections:
        rows = ("   " + name.replace("~ohmlearn.", "~") for name in names)
        text += [title, "-" * len(title), "", ".. currentmodule:: ohmlearn", "", ".. autosummary::",
                 "   :toctree: generated", "   :nosignatures:", "", *rows, ""]
    replace(folder / "names.rst", "\n".join(text))
    replace(folder / "figures.inc", figures())


def figures() -> str:
    """The figures that this version has, as a table in Markdown."""
    from ohmlearn.drivers.figures.catalogue import SECTIONS, entries

    found = sorted(entries().values(), key=lambda entry: SECTIONS.index(entry.section))
    rows = [f"| {entry.section.partition(':')[0]} | {entry.title} | `ohmlearn figure {entry.name}` |"
            for entry in found]
    return "\n".join(["| | figure | command |", "| --- | --- | --- |", *rows, ""])


def replace(page: Path, text: str) -> None:
    """Write a file whose text has changed, and leave alone one that has not."""
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")
