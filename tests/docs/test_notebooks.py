"""The notebooks of the three first hours run from top to bottom in a real kernel, and are kept without outputs."""
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
COMPILING = re.compile(r"ohmlearn: compiling [\w.]+ for this processor, (once|at every start) \.\.\.|"
                       r"ohmlearn: compiled in \d+ s(; compiled code is kept in .+)?")
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_one_for_each_first_hour():
    assert [path.stem for path in NOTEBOOKS] == ["own_data", "own_network", "own_rule"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_outputs_are_kept(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.slow       # each starts a kernel of its own
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path, monkeypatch):
    specs = tmp_path / "kernels" / "python3"
    specs.mkdir(parents=True)
    (specs / "kernel.json").write_text(
        f'{{"argv": ["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], '
        '"display_name": "Python 3", "language": "python"}')
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))       # this environment's Python, whatever else is installed
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown), "no picture"
    told = [line for output in shown if output.get("name") == "stderr" for line in output.text.splitlines()]
    # what a reader sees too where nothing is compiled yet; no warning, and nothing else
    assert not [line for line in told if not COMPILING.fullmatch(line)], told
