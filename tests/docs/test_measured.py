"""Figures that README, pages and notes quote are those that the benchmarks wrote into docs/measured.toml."""
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
import measured  # noqa: E402

ROWS = measured.read()
README = (ROOT / "README.md").read_text()


def test_every_row_says_what_it_is_and_where_from():
    assert len(ROWS) > 15
    for name, row in ROWS.items():
        assert list(row) == ["what", "text", "command", "processor", "date"], name
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", row["date"]), name


def test_commands_are_those_of_benchmarks_that_exist():
    for row in ROWS.values():
        if row["command"].startswith("python "):
            assert (ROOT / row["command"].split()[1]).exists(), row["command"]


def test_readme_quotes_them():
    table = README.partition("## What was measured")[2].partition("\n## ")[0]
    shown = dict(line.strip("| ").split(" | ") for line in table.splitlines()
                 if line.startswith("| ") and not line.startswith(("| what", "| ---")))
    assert len(shown) > 5
    assert shown == {row["what"]: row["text"] for row in ROWS.values() if row["what"] in shown}
    for name in ("install_size", "install_time"):
        assert ROWS[name]["text"] in " ".join(README.split())


def test_pages_quote_rows_that_exist():
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    quoted = {name for page in pages for name in re.findall(r"\{\{ ?(\w+) ?\}\}", page.read_text())}
    assert len(quoted) > 8
    assert quoted <= set(ROWS)


def test_no_page_repeats_a_figure_by_hand():
    """Texts long enough to be told apart stand in the file and in README only."""
    long = {name: row["text"] for name, row in ROWS.items() if len(row["text"]) > 12}
    for page in [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "howto").glob("*.md")]:
        assert not [name for name, text in long.items() if text in page.read_text()], page


def test_a_benchmark_writes_its_row(tmp_path):
    path = tmp_path / "measured.toml"
    path.write_text(measured.FILE.read_text())
    measured.record("step_c", '1.00 times its "time"', path)
    written = tomllib.loads(path.read_text())
    assert written["step_c"]["text"] == '1.00 times its "time"'
    assert written["step_c"]["what"] == ROWS["step_c"]["what"]
    assert {name: row for name, row in written.items() if name != "step_c"} == {
        name: row for name, row in ROWS.items() if name != "step_c"}
    with pytest.raises(KeyError, match="no row"):
        measured.record("nothing", "1 s", path)
