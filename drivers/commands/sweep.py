"""`ohmlearn sweep`: run a sweep file into its store."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from .arguments import a_file, a_picture, output


def add_to(app: typer.Typer) -> None:
    app.command()(sweep)


def a_timeline(path: Path | None) -> Path | None:
    """A table or a picture that is to be written, tried now."""
    return a_file(path) if path is not None and path.suffix == ".csv" else a_picture(path)


def shard_of(text: str) -> tuple[int, int]:
    """(i, n) of "i/n"."""
    found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"invalid shard {text}: need i/n with 1 <= i <= n, as in 3/8")
    return int(found[1]), int(found[2])


def import_numba_alone() -> None:
    """Import Numba without what no kernel uses, as a thousand ranks may start at once and every file counts: SciPy's
    linear algebra and cffi, some 230 files, YAML unless Numba is configured by it, and Numba's extensions, for which a
    file of every package is opened."""
    import sys

    unused = ("scipy.linalg.cython_blas", "cffi", *(() if Path(".numba_config.yaml").exists() else ("yaml",)))
    hidden = [name for name in unused if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))      # None: an import fails
    try:
        import numba.core.typing.cffi_utils
        import numba.np.arraymath
    finally:
        for name in hidden:
            del sys.modules[name]
    numba.core.entrypoints._already_initialized = True


def sweep(
    file: Annotated[Path | None, typer.Argument(help="The sweep's TOML file.")] = None,
    output: Annotated[Path | None, output("Folder of the store; by default the file's name without its "
                                          "suffix.", file_okay=False)] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of each process; by default what the launcher or the "
                                                     "machine gives.")] = None,
    mpi: Annotated[bool | None, typer.Option("--mpi/--no-mpi", help="Use MPI or not; by default MPI is used if a "
                                                                    "launcher started this process.")] = None,
    shard: Annotated[str, typer.Option(help="i/n: train the i-th of n parts, for job arrays into one store.")] = "1/1",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try members again that failed before.")] = False,
    checkpoint_every: Annotated[float, typer.Option(help="Seconds between two times that running members are stored, "
                                                         "at least.")] = 0.25,
    timeline: Annotated[Path | None, typer.Option(callback=a_timeline, help="Write what each rank did when, as "
                                                                                ".csv or a picture.")] = None,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep compiled code for the next start.")] = True,
    progress: Annotated[bool, typer.Option(help="Show how far the sweep is.")] = True,
    example: Annotated[bool, typer.Option("--example", help="Print a sweep file with comments, and exit.")] = False,
) -> None:
    """Train every task at every rate.

    Repeat the command to resume. Under mpiexec all ranks share the work.
    """
    import gc
    import os

    if not cache:
        os.environ["OHMLEARN_CACHE"] = "off"  # before anything compiled is imported
    gc.disable()        # it would walk through all that is imported again and again, a tenth of the time
    import_numba_alone()
    from ohmlearn.drivers.jobs.exit_codes import BROKEN, FINE, MEMBERS_FAILED
    from ohmlearn.drivers.sweeps.sweep import Sweep
    from ohmlearn.drivers.sweeps.sweep_file import EXAMPLE

    if example:
        typer.echo(EXAMPLE.read_text(), nl=False)
        raise typer.Exit()
    if file is None:
        raise ValueError("name a sweep file; `ohmlearn sweep --example > fig2d.toml` makes one to start from")
    from ohmlearn.drivers.jobs.run_sweep import run_sweep
    from ohmlearn.parallel.launch import this_rank
    from ohmlearn.parallel.signals import STOPPED, ignored_when_done

    gc.freeze()
    gc.enable()
    with ignored_when_done():
        report = run_sweep(lambda: Sweep.read(file), output or file.with_suffix(""), threads=threads, mpi=mpi,
                           shard=shard_of(shard), retry_failed=retry_failed, checkpoint_every=checkpoint_every,
                           timeline=timeline, progress=progress)
    if this_rank() == 0:
        for line in report.lines():
            typer.echo(line)
        raise typer.Exit(STOPPED if report.stopped else BROKEN if report.lost else
                         MEMBERS_FAILED if report.n_failed else FINE)
