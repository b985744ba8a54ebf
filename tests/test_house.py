"""The house: which folder may import which, what the package contains, and that the README's commands exist."""
import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import networkx as nx
import ohmlearn
import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT: dict[str, set[str]] = {
    "kernels": set(),
    "model": {"kernels"},
    "solvers": {"kernels", "model", "parallel"},
    "parallel": set(),
    "drivers": {"kernels", "model", "solvers", "parallel"},
}
# What hands on the names that users call: they import from every folder, and nothing of ours imports them for a name
# that stands elsewhere.
FACES = {ROOT / "model" / name for name in (
    "__init__.py", "lab/__init__.py", "rules/__init__.py", "tasks/__init__.py")}
DRAWING = ("ohmlearn.drivers.display.plots.", "ohmlearn.drivers.display.network_page.")
HEAVY = ("numba", "scipy", "matplotlib", "mpi4py", "zarr", "xarray", "networkx", "pyamg", "pydantic", "typer",
         "sklearn")
SOURCES = sorted(path for folder in MAY_IMPORT for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    """Import name of a source file, by the package-dir mapping of pyproject.toml."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    parts[:1] = ["ohmlearn"] if parts[0] == "model" else ["ohmlearn", parts[0]]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folder_of(name: str) -> str | None:
    """Folder that a dotted import name lives in, None when it is not ours."""
    first, _, rest = name.partition(".")
    if first != "ohmlearn":
        return None
    return rest.partition(".")[0] if rest.partition(".")[0] in MAY_IMPORT else "model"


def imports(tree: ast.AST, path: Path) -> Iterator[tuple[str, bool]]:
    """(absolute name, whether it is imported only when a function runs or a type checker looks) of every import."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]

    def visit(node: ast.AST, later: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, later) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            start = ".".join(base + ([node.module] if node.module else []))
            yield from ((f"{start}.{alias.name}", later) for alias in node.names)
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        later = later or typing or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, later)

    yield from visit(tree, False)


def wrong_imports(text: str, path: Path) -> list[str]:
    """Names that a source file imports against the direction of the house."""
    home = path.relative_to(ROOT).parts[0]
    wrong = []
    for name, later in imports(ast.parse(text), path):
        folder = folder_of(name)
        # The faces hand on what the drivers give, methods that draw import their drawing when called, and
        # `python -m ohmlearn` is the command line.
        handed_on = path in FACES or (later and name.startswith(DRAWING)) or path.name == "__main__.py"
        if name.partition(".")[0] in MAY_IMPORT:
            wrong.append(f"{name} (a bare name works only from the checkout; write ohmlearn.{name})")
        elif folder not in {None, home, *MAY_IMPORT[home]} and not (home == "model" and handed_on):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    assert wrong_imports(path.read_text(), path) == []


@pytest.mark.parametrize(("text", "place", "wrong"), [
    ("from ..solvers import x", "kernels/a.py", "ohmlearn.solvers.x"),
    ("import ohmlearn.drivers.training.train", "solvers/a.py", "ohmlearn.drivers.training.train"),
    ("def f():\n    from ohmlearn import drivers", "kernels/a.py", "ohmlearn.drivers"),
    ("from .drivers.display.plots import plot_runs", "model/a.py", "ohmlearn.drivers.display.plots.plot_runs"),
    ("from ..network import Network", "parallel/a.py", "ohmlearn.network.Network"),
    ("from kernels import step", "drivers/a.py", "kernels.step"),
])
def test_wrong_imports_are_seen(text: str, place: str, wrong: str) -> None:
    assert [name.partition(" ")[0] for name in wrong_imports(text, ROOT / place)] == [wrong]


# Their methods read, draw or run something, and import it when called.
NOUNS = {"Network", "Run", "Runs", "LabRun", "LabRuns", "Sweep", "Task", "Netlist", "Descent"}


def uses(text: str, path: Path, modules: Iterable[str]) -> set[str]:
    """Our modules that a source file imports, also in functions and for type checkers; methods of the nouns apart."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in NOUNS:
            node.body = [part for part in node.body if not isinstance(part, ast.FunctionDef)] or [ast.Pass()]
    found = set()
    for name, _ in imports(tree, path):
        while name and name not in modules:
            name = name.rpartition(".")[0]
        found.add(name)
    return found - {"", "ohmlearn", module_name(path)}


def circles(edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Groups that import each other, directly or by way of others."""
    graph = nx.DiGraph((a, b) for a, b in edges if a != b)
    return [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]


def test_no_circles() -> None:
    """Of files, and of folders; what the face hands on does not count."""
    where = {module_name(path): str(path.parent.relative_to(ROOT)) for path in SOURCES}
    edges = [(module_name(path), name) for path in SOURCES if path not in FACES
             for name in uses(path.read_text(), path, where)]
    assert circles(edges) == []
    assert circles((where[a], where[b]) for a, b in edges) == []


def test_a_circle_is_seen() -> None:
    modules = ["ohmlearn.solvers.a", "ohmlearn.solvers.b", "ohmlearn.run"]
    texts = {"a": "def f():\n    from .b import g", "b": "if TYPE_CHECKING:\n    from . import a",
             "c": "class Run:\n    def plot(self):\n        from .b import g"}
    found = {name: uses(text, ROOT / f"solvers/{name}.py", modules) for name, text in texts.items()}
    assert found == {"a": {"ohmlearn.solvers.b"}, "b": {"ohmlearn.solvers.a"}, "c": set()}
    assert circles([("a", "b"), ("b", "a"), ("c", "a")]) == [["a", "b"]]


def test_folders_are_small() -> None:
    count = Counter(path.parent.relative_to(ROOT) for path in SOURCES if path.name != "__init__.py")
    assert {str(folder): n for folder, n in count.items() if n > 16} == {}


def test_packages_are_the_folders() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {module_name(path): str(path.parent.relative_to(ROOT)) for path in SOURCES if path.name == "__init__.py"}
    assert sorted(settings["packages"]) == sorted(folders)
    mapped = {name: folder for name, folder in folders.items() if "/" not in folder}
    assert settings["package-dir"] == mapped
    without = {str(path.parent.relative_to(ROOT)) for path in SOURCES} - set(folders.values())
    assert not without, "folders with sources but no __init__.py are left out of the wheel"


def test_import_is_light() -> None:
    code = f"import sys, ohmlearn; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


def typed_names(path: Path) -> set[str]:
    """Names that a type checker finds in a face: what it imports."""
    tree = ast.parse(path.read_text())
    return {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
            for alias in node.names if node.module not in ("importlib", "types", "typing", "warnings")}


def test_the_face_is_what_is_there() -> None:
    """Every public name can be had, and type checkers see the same names as the running program."""
    names = set(ohmlearn.__all__) - {"__version__"}
    assert [name for name in names if not hasattr(ohmlearn, name)] == []
    submodules = set(ohmlearn._SUBMODULES)
    assert typed_names(ROOT / "model" / "__init__.py") == names | submodules
    assert {name for name in dir(ohmlearn) if not name.startswith("_")} == names | submodules
    assert names.isdisjoint(ohmlearn._MOVED)
    assert len(names) <= 20, "the top level holds what a first hour needs"
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        ohmlearn.trian  # noqa: B018


@pytest.mark.parametrize("name", ohmlearn._SUBMODULES)
def test_submodules_hold_what_they_name(name: str) -> None:
    module = getattr(ohmlearn, name)
    assert module.__doc__
    assert [public for public in module.__all__ if not hasattr(module, public)] == []
    source = Path(module.__file__ or "")
    stub = source.with_suffix(".pyi")
    assert typed_names(stub if stub.exists() else source) == set(module.__all__)


@pytest.mark.parametrize("name", sorted(ohmlearn._MOVED))
def test_old_names_work_with_a_warning(name: str) -> None:
    place = ohmlearn._MOVED[name]
    with pytest.warns(DeprecationWarning, match=rf"ohmlearn\.{name} is now ohmlearn\.{place}"):
        thing = getattr(ohmlearn, name)
    new: Any = ohmlearn
    for part in place.split("."):
        new = getattr(new, part) if hasattr(new, part) else import_module(f"{new.__name__}.{part}")
    assert thing is new


def test_the_lab_may_be_called_for_one_version_more() -> None:
    network = ohmlearn.lab.lab_network()
    with pytest.warns(DeprecationWarning, match=r"ohmlearn\.lab\(\.\.\.\) is now ohmlearn\.lab\.train"):
        run = ohmlearn.lab(network, ohmlearn.lab.lab_task(network), 1.0, steps=2)  # type: ignore[operator]
    assert run.n_steps == 2


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def test_readme_commands_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"^ *make ([a-z]+)|`make ([a-z]+)`", readme, flags=re.MULTILINE))
    commands = {first or second for first, second in named}
    assert {"run", "test"} <= commands <= make_targets()


def test_readme_python_runs(tmp_path: Path) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    first = done.stdout.split()
    assert first[0] == "reached"
    assert 0 < float(first[1]) < 3000
    assert (tmp_path / "traces.png").stat().st_size > 10_000
    assert all(float(x) > 0.99 for x in first[-3:-1])       # alignment and overlap of the trained network
    assert (tmp_path / "network.html").stat().st_size > 10_000


def test_ci_runs_the_readme_test_command() -> None:
    """And the slow tests with it; the browser's look at the pages is by hand, `make pages`."""
    steps = re.findall(r"^ *(make .*?)(?:;.*)?$", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)
    asked = ["make test", "make test ARGS='-m slow'", "make lint", "make docs"]
    assert [step for step in steps if step in asked] == asked
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert "-m=not slow" in options["addopts"]      # which ARGS overrides
    by_hand = [str(path) for path in (ROOT / "tests").rglob("test_*.py")
               if "OHMLEARN_SLOW" "_TESTS" in path.read_text()]
    assert by_hand == []
