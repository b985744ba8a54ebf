"""`ohmlearn warm`: compile ahead, so that a job does not begin with it."""
from __future__ import annotations

from typing import Annotated

import typer

from .arguments import THREADS

SUBJECTS = "slow_manifold, general, plain, ceiling, large, descent"


def add_to(app: typer.Typer) -> None:
    app.command()(warm)


def warm(
    subject: Annotated[list[str] | None, typer.Argument(help=f"What to compile, by default all of {SUBJECTS}.")] = None,
    threads: THREADS = None,
) -> None:
    """Compile for this processor and keep what is compiled, before a job needs it.

    Processors of another kind need their own: run it on a node of the kind that the job gets.
    """
    from ohmlearn.drivers.display.compile_cache import place
    from ohmlearn.drivers.jobs.warm import CALLS, warm
    from ohmlearn.kernels.simd.compile_cache import cache_folder
    from ohmlearn.parallel.threads import available_threads

    for name in subject or ():
        if name not in CALLS:
            raise ValueError(f"{name!r} is nothing to compile; there are {SUBJECTS}")
    if cache_folder() is None:
        raise OSError(f"compiled code is {place()}")
    warm(available_threads(threads), subject)
    typer.echo(f"compiled, in {place()}")
