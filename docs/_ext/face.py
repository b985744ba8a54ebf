"""The pages of the API reference, written from what `ohmlearn` exports: a new public name needs no edit here.

The top level in groups (a name that GROUPS does not know comes under "More"), and a section for every submodule.
"""
from __future__ import annotations

from importlib import import_module
from pathlib import Path

GROUPS = {
    "Networks and tasks": ["Network", "Task", "read_spice"],
    "Training": ["train", "descend", "Rule", "Schedule", "Record", "Run", "Runs", "load", "Units"],
    "Sweeps": ["Sweep", "open_results"],
    "Equilibrium, modes and Hessians": ["Equilibrium", "voltages", "modes", "hessian"],
    "Theory": ["theory"],
}
SUBMODULES = ["rules", "tasks", "generators", "learn", "lab", "soft", "analysis", "edges", "stores", "distributed",
              "figures"]
# Not exported: what functions return, what classes of the face hand on, and what their errors are.
RESULTS = {
    "Descent": "ohmlearn.drivers.descent.descend", "Hessian": "ohmlearn.solvers.hessian.hessian",
    "Netlist": "ohmlearn.io.netlist",
    "SoftMode": "ohmlearn.solvers.hessian.soft_mode",
    "SoftApproximation": "ohmlearn.solvers.hessian.soft_mode",
    "HessianTrajectory": "ohmlearn.solvers.hessian.hessian_trajectory",
    "Modes": "ohmlearn.solvers.equilibrium.modes", "Stats": "ohmlearn.solvers.equilibrium.preconditioner_reuse",
    "Report": "ohmlearn.drivers.sweeps.report",
    "Theory": "ohmlearn.solvers.theory.linear_theory", "LearningModes": "ohmlearn.solvers.theory.learning_modes",
    "Diverged": "ohmlearn.drivers.training.train", "NotConverged": "ohmlearn.solvers.equilibrium.equilibrium",
    "OperatingPoint": "ohmlearn.io.operating_point",
}
FUNCTIONS = ["ohmlearn.io.files.read", "ohmlearn.io.files.read_conductances",
             "ohmlearn.io.files.write", "ohmlearn.io.networkx_graphs.from_networkx",
             "ohmlearn.io.networkx_graphs.to_networkx", "ohmlearn.io.networkx_graphs.networkx_conductances",
             "ohmlearn.drawing.draw", "ohmlearn.drivers.display.network_page.show"]


def grouped() -> dict[str, list[str]]:
    """{title: public names}, all of them."""
    import ohmlearn

    public = [name for name in ohmlearn.__all__ if name != "__version__"]
    groups = {title: [name for name in names if name in public] for title, names in GROUPS.items()}
    rest = [name for name in public if not any(name in names for names in groups.values())]
    return groups | ({"More": rest} if rest else {})


def in_submodules() -> dict[str, list[str]]:
    """{submodule: its public names that the top level and RESULTS do not hold}."""
    import ohmlearn

    return {module: [name for name in import_module(f"ohmlearn.{module}").__all__
                     if name not in ohmlearn.__all__ and name not in RESULTS] for module in SUBMODULES}


def write(folder: Path) -> None:
    """Write the page of all names, a table for every group, into `folder`."""
    folder.mkdir(exist_ok=True)
    sections = list(grouped().items())
    sections += [(f"ohmlearn.{module}", [f"~ohmlearn.{module}.{name}" for name in names])
                 for module, names in in_submodules().items()]
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
