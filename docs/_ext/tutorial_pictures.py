"""The pictures of the tutorial, drawn by the tutorial's own code whenever the documentation is built."""
from __future__ import annotations

import io
import os
import re
import shutil
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def draw(page: Path, folder: Path, end: str) -> list[str]:
    """Run the Python of a page up to a heading, and keep the pictures that it writes; returns their names."""
    import matplotlib.pyplot as plt

    text = page.read_text(encoding="utf-8").partition(f"\n## {end}\n")[0]
    here: dict[str, object] = {"__name__": page.stem}
    back = os.getcwd()
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory() as made:
        os.chdir(made)
        try:
            with redirect_stdout(io.StringIO()):
                for code in BLOCK.findall(text):
                    exec(compile(code, page.name, "exec"), here)
        finally:
            os.chdir(back)
            plt.close("all")
        names = sorted(path.name for path in Path(made).glob("*.png"))
        for name in names:
            shutil.copy(Path(made, name), folder / name)
    return names
