"""`ohmlearn benchmark`: learning from data, with published numbers beside ours."""
from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .arguments import THREADS, output


class Name(StrEnum):
    """The benchmarks."""

    iris = "iris"
    wine = "wine"
    ionosphere_like = "ionosphere-like"
    digits = "digits"
    xor = "xor"
    regression = "regression"
    mnist_subset = "mnist-subset"
    power = "power"


def add_to(app: typer.Typer) -> None:
    app.command()(benchmark)


def benchmark(
    name: Annotated[Name, typer.Argument(help="iris, wine and ionosphere-like (radar returns that are made here): "
                                              "transistors between inputs and rails. digits: 64 pixels and 20 rails, "
                                              "three losses. xor and regression: the transistor circuit "
                                              "of the laboratory. mnist-subset: digits 0 to 2 on 1500 resistors. "
                                              "power: error against power, and energies, of 64 nodes that save it.")],
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs, by default those of the benchmark.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Circuits that begin differently, with classes; networks with their "
                                                   "tasks, of power.")] = 5,
    splits: Annotated[int, typer.Option(min=1, help="Splits into samples to learn and to test, with classes.")] = 5,
    imperfections: Annotated[bool, typer.Option("--imperfections", help="Digits of circuits with mismatch and with "
                                                "read noise, in place of three losses.")] = False,
    images: Annotated[Path | None, typer.Option(help="Images of MNIST (IDX), for mnist-subset.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Their labels (IDX).")] = None,
    threads: THREADS = None,
    output: Annotated[Path | None, output("File (.csv) for the rows.")] = None,
) -> None:
    """Train on a benchmark of the field, and print what is reached beside what was published.

    Data are made here or come with scikit-learn (extra `learn`); nothing is downloaded.
    """
    from ohmlearn.drivers.data_benchmarks import circuits, classes, power
    from ohmlearn.drivers.data_benchmarks.comparison import table

    if (images is not None or labels is not None) and name is not Name.mnist_subset:
        raise ValueError("--images and --labels belong to mnist-subset")
    if imperfections and name is not Name.digits:
        raise ValueError("--imperfections belongs to digits")
    how = classes.Training(chips=seeds, splits=splits, threads=threads, progress=True)
    if name is Name.xor:
        rows = circuits.xor(epochs, threads)
    elif name is Name.regression:
        rows = circuits.regression(epochs, threads)
    elif name is Name.power:
        rows = power.power(epochs, seeds, threads)
    elif name is Name.digits:
        rows = (classes.imperfect_digits if imperfections else classes.digits)(how.shortened(epochs))
    elif name is Name.ionosphere_like:
        rows = classes.ionosphere_like(how.shortened(epochs))
    elif name is Name.mnist_subset:
        rows = classes.mnist_subset(classes.linear(how).shortened(epochs), images, labels)
    else:
        rows = classes.flowers_and_wines(name.value, how.shortened(epochs))
    for line in table(rows):
        typer.echo(line)
    if output is not None:
        import csv

        from ohmlearn.io.replacing import replacing

        with replacing(output, "w") as file:
            csv.writer(file).writerows([rows[0]._fields, *rows])
