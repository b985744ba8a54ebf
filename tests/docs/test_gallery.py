"""Every example of the gallery runs, asserts something and draws a picture."""
import ast
import runpy
import warnings
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "docs" / "gallery").rglob("plot_*.py"))


def test_there_is_a_gallery():
    assert len(SCRIPTS) >= 12


@pytest.mark.slow           # `make docs` runs them all as well
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_example(path, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(path.read_text()))), "nothing asserted"
    monkeypatch.chdir(tmp_path)
    plt.close("all")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
        runpy.run_path(str(path))
    assert plt.get_fignums(), "no picture"
    plt.close("all")
