"""`ohmlearn figure all`: every figure, and one self-contained page to check them against the papers."""
from __future__ import annotations

import html
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ohmlearn.drivers.display.content_policy import with_policy
from ohmlearn.drivers.figures.catalogue import STATUSES, Entry, Settings, Verdict, entries, verdicts
from ohmlearn.io.replacing import write_text

TEMPLATE = Path(__file__).with_name("report.html")
LARGEST = 2_000_000      # bytes of a data file that the page carries; larger ones lie beside it
KINDS = {".csv": "text/csv", ".txt": "text/plain", ".npz": "application/octet-stream"}
INTRODUCTION = """
<p>Paper 1: M. Stern, S. Dillavou, M. Z. Miskin, D. J. Durian and A. J. Liu, <i>Physical learning beyond the quasistatic
limit</i>, Phys. Rev. Research 4, L022037 (2022). Paper 2: M. Stern, M. Guzman, F. Martins, A. J. Liu and
V. Balasubramanian, <i>Physical networks become what they learn</i>, Phys. Rev. Lett. 134, 147402 (2025). Published
numbers of paper 1: M. Stern, <i>Out of Equilibrium Coupled Learning</i>, version 1.0,
<a href="https://doi.org/10.5281/zenodo.5675821">doi 10.5281/zenodo.5675821</a>.</p>
<p><b>pass</b>: measured as expected. <b>FAIL</b>: not. <b>open</b>: missed by less than two standard errors, so that as
many tasks as were run do not decide it. Everything here was computed by <code>ohmlearn figure all</code>; every picture
has its data below it.</p>
"""


@dataclass(frozen=True)
class Made:
    """A figure as it came out. files : what it wrote. seconds : what it took. error : why there is nothing, or ""."""

    entry: Entry
    files: Sequence[Path]
    seconds: float
    error: str = ""

    @property
    def text(self) -> str:
        """What it says of itself."""
        return "\n".join(path.read_text() for path in self.files if path.suffix == ".txt")

    @property
    def verdicts(self) -> list[Verdict]:
        return verdicts(self.text)


def make_all(folder: Path, size: str, settings: Settings, say: Callable[[str], None]) -> tuple[Path, list[str]]:
    """Make every figure at its size "quick", "usual" or "full", and the page.

    A figure that fails is named on the page and does not keep the others from being made. Returns the page, and the
    names of those that failed.
    """
    from ohmlearn.parallel.launch import this_rank

    made = [make_one(entry, folder, size, settings, say) for entry in entries().values()]
    path = folder / "report.html"
    if this_rank() == 0:
        write_text(path, page(made, size))
    return path, [one.entry.name for one in made if one.error]


def make_one(entry: Entry, folder: Path, size: str, settings: Settings, say: Callable[[str], None]) -> Made:
    """Make one figure, whatever happens, and say how it went."""
    begin = time.monotonic()
    try:
        files, error = entry.produce(entry.sizes[size], folder, settings), ""
    except Exception as problem:     # named on the page, and by the exit code
        files, error = [], f"{type(problem).__name__}: {problem}"
    made = Made(entry, files, time.monotonic() - begin, error)
    say(f"{entry.name}: {error or counts(made.verdicts)}, {made.seconds:.0f} s")
    return made


def counts(found: Sequence[Verdict]) -> str:
    """How many pass, are open, fail."""
    numbers = {status: sum(v.status == status for v in found) for status in STATUSES}
    return ", ".join(f"{number} {status}" for status, number in numbers.items() if number) or "nothing judged"


def page(made: Sequence[Made], size: str) -> str:
    """The page as text; it needs no other file."""
    from ohmlearn import __version__

    seconds = sum(one.seconds for one in made)
    parts = [f"<p>ohmlearn {html.escape(__version__)}, size “{size}”, {seconds:.0f} s in all.</p>", INTRODUCTION,
             overview(made)]
    section = ""
    for one in made:
        if one.entry.section != section:
            section = one.entry.section
            parts.append(f"<h2>{html.escape(section)}</h2>")
        parts.append(part(one))
    return with_policy(TEMPLATE.read_text(encoding="utf-8")).replace("__BODY__", "\n".join(parts))


def overview(made: Sequence[Made]) -> str:
    """One line per figure, and everything that did not come out as expected."""
    rows = [f"<tr><td>{to(one)}</td><td>{html.escape(one.entry.title)}</td>"
            f"<td>{html.escape(one.error) or counts(one.verdicts)}</td><td>{one.seconds:.0f} s</td></tr>"
            for one in made]
    missed = [(one, v) for one in made for v in one.verdicts if v.status != "pass"]
    off = "".join(f"<tr><td>{to(one)}</td>{cells(v)}</tr>" for one, v in missed)
    return ("<table><tr><th>figure</th><th>shows</th><th>verdicts</th><th>took</th></tr>" + "".join(rows) + "</table>"
            + (f"<h3>Not reproduced, or not decided</h3><table>{head('figure')}{off}</table>" if missed else ""))


def to(one: Made) -> str:
    return f'<a href="#{one.entry.name}">{one.entry.name}</a>'


def head(*first: str) -> str:
    return "<tr>" + "".join(f"<th>{word}</th>" for word in (*first, "", "measured", "expected")) + "</tr>"


def cells(verdict: Verdict) -> str:
    status = html.escape(verdict.status)
    return (f'<td class="{status}">{status}</td><td>{html.escape(verdict.measured)}</td>'
            f"<td>{html.escape(verdict.expected)}</td>")


def part(one: Made) -> str:
    """A figure: panels, pictures, verdicts, its whole text, its data."""
    entry = one.entry
    lines = [f'<h3 id="{entry.name}">{entry.name}: {html.escape(entry.title)}</h3>']
    if one.error:
        return "\n".join([*lines, f'<p class="FAIL">It could not be made: {html.escape(one.error)}</p>'])
    lines.append("<dl>" + "".join(f"<dt>{letter}</dt><dd>{html.escape(words)}</dd>"
                                  for letter, words in entry.panels.items()) + "</dl>")
    lines += [f'<img alt="{html.escape(entry.title)}" src="{inlined(path, "image/png")}">'
              for path in one.files if path.suffix == ".png"]
    lines.append(f"<table>{head()}" + "".join(f"<tr>{cells(v)}</tr>" for v in one.verdicts) + "</table>")
    lines.append(f"<details><summary>all numbers</summary><pre>{html.escape(one.text)}</pre></details>")
    links = [link(path) for path in one.files if path.suffix != ".png"]
    return "\n".join([*lines, f'<p class="files">Data: {", ".join(links)}</p>'])


def link(path: Path) -> str:
    """A data file to be taken out of the page, or, of large ones and of stores, where it is."""
    if path.suffix in KINDS and path.is_file() and path.stat().st_size <= LARGEST:
        return f'<a download="{path.name}" href="{inlined(path, KINDS[path.suffix])}">{path.name}</a>'
    return f"{html.escape(path.name)} (beside this page)"


def inlined(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(path.read_bytes()).decode()}"
