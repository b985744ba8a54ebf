"""What was measured, docs/measured.toml: the benchmarks write it, pages quote it by name, `{{ sweep_threads }}`."""
from __future__ import annotations

import datetime
import json
import os
import platform
import tomllib
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "measured.toml"
HEAD = """\
# What was measured and is quoted in README, documentation and notes: written by the benchmarks (`--record`), read by
# docs/conf.py, and compared with README by tests/docs/test_measured.py. Rows are in the order of their names.
"""


def read(path: Path = FILE) -> dict[str, dict[str, Any]]:
    """{name: row}; a row has text, what, command, processor and date."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def record(name: str, text: str, path: Path = FILE) -> None:
    """Write a figure that was measured just now; what it is and by which command is in the file already."""
    rows = read(path)
    if name not in rows:
        raise KeyError(f"{path} has no row {name}; write what it is and its command there first")
    rows[name] |= {"text": text, "processor": processor(), "date": datetime.date.today().isoformat()}
    lines = [HEAD]
    for key in sorted(rows):
        lines += [f"[{key}]", *(f"{entry} = {json.dumps(str(value), ensure_ascii=False)}"
                                for entry, value in rows[key].items()), ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    print(f"{name}: {text}, written to {path.name}")


def processor() -> str:
    """The processor by name, how many of its cores this process may use, and how busy they are."""
    info = Path("/proc/cpuinfo")
    said = info.read_text() if info.exists() else ""
    names = [line.partition(":")[2].strip() for line in said.splitlines() if line.startswith("model name")]
    name = (names or [platform.machine()])[0] + (" with AVX-512" if "avx512f" in said else "")
    return f"{name}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.0f}"


def substitutions() -> dict[str, str]:
    """{name: text} for pages."""
    return {name: row["text"] for name, row in read().items()}


def page() -> str:
    """All rows as a page in Markdown."""
    parts = ["# All figures that pages quote\n\nWhere, when and by which command each was measured; the file is "
             "`docs/measured.toml`, and the benchmarks write it.\n"]
    for row in read().values():
        parts.append(f"**{row['what']}**\n: {row['text']}. {row['date']}, {row['processor']}.\n: `{row['command']}`\n")
    return "\n".join(parts)
