"""What each rank of a job did when, as a table or a picture."""
from __future__ import annotations

import csv
from pathlib import Path

from ohmlearn.io.replacing import replacing, save_figure
from ohmlearn.parallel.timeline import OTHERS, STARTING, WAITING, WORKING, WRITING, Span

COLOURS = {STARTING: "#bbbbbb", WORKING: "#4477aa", WAITING: "#ee6677", WRITING: "#ccbb44", OTHERS: "#dddddd"}


def write_timeline(ranks: list[list[Span]], path: Path) -> None:
    """Spans of all ranks, in seconds from the first one; the file's ending says in which form."""
    begin = min((span.begin for spans in ranks for span in spans), default=0.0)
    rows = [(rank, thread, span.what, span.begin - begin, span.end - begin)
            for rank, spans in enumerate(ranks) for thread, span in numbered(spans)]
    if path.suffix == ".csv":
        with replacing(path) as file:
            writer = csv.writer(file)
            writer.writerow(["rank", "thread", "what", "begin_s", "end_s"])
            writer.writerows((*row[:3], f"{row[3]:.4f}", f"{row[4]:.4f}") for row in rows)
    else:
        draw(rows, path)


def numbered(spans: list[Span]) -> list[tuple[int, Span]]:
    """Spans with the number of their thread: the main thread 0, the others as they come."""
    numbers = {"MainThread": 0}
    return [(numbers.setdefault(span.thread, len(numbers)), span) for span in spans]


def draw(rows: list[tuple[int, int, str, float, float]], path: Path) -> None:
    """One bar for each thread of each rank."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    places = {place: i for i, place in enumerate(sorted({row[:2] for row in rows}))}
    figure = Figure(figsize=(8, 1.2 + 0.18 * len(places)), layout="constrained")
    axes = figure.subplots()
    for what, colour in COLOURS.items():  # long spans first, so that waits show on top of the work around them
        mine = [row for row in rows if row[2] == what]
        axes.barh([places[row[:2]] for row in mine], [row[4] - row[3] for row in mine], left=[row[3] for row in mine],
                  color=colour, height=0.8)
    axes.set_yticks(list(places.values()), [f"{rank}.{thread}" for rank, thread in places])
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.set_ylabel("rank.thread")
    patches = [Patch(color=colour, label=what) for what, colour in COLOURS.items()]
    axes.legend(handles=patches, ncols=5, loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize="small")
    save_figure(figure, path)
