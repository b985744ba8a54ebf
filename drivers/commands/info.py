"""`ohmlearn info`: what this installation is and runs on."""
from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from .arguments import CONDUCTANCE, FORMS, NODES, RESISTANCE, circuit_of, conductance_source

LIBRARIES = ("numpy", "numba", "scipy", "pyamg", "zarr", "xarray", "mpi4py")


def add_to(app: typer.Typer) -> None:
    app.command()(info)


def info(network: Annotated[str | None, typer.Argument(metavar="NETWORK", help=f"{FORMS}: say how it would be trained "
                                                       "and solved.")] = None,
         conductance: CONDUCTANCE = None, resistance: RESISTANCE = None, nodes: NODES = "auto",
         mpi: Annotated[bool, typer.Option("--mpi", help="Load the MPI library too, and name it.")] = False) -> None:
    """Print versions, instruction set, threads, MPI library and cache folder; or how a network would be trained."""
    if network is None:
        found = facts(mpi)
    else:
        from ohmlearn.drivers.training.regime import facts as network_facts

        net, _ = circuit_of(network, conductance=conductance, resistance=resistance, nodes=nodes)
        found = network_facts(net)
        found.insert(1, ("conductances", conductance_source(net)))
    for name, value in found:
        typer.echo(f"{name:<18} {value}")


def facts(mpi: bool = False) -> list[tuple[str, str]]:
    """The lines of `ohmlearn info`."""
    import ohmlearn
    from ohmlearn.parallel.threads import available_threads, cores

    found = [("ohmlearn", ohmlearn.__version__), ("python", platform.python_version())]
    for name in LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed"))
    found += compiled_facts()
    found += [("cores", str(cores())), ("threads", str(available_threads())), ("MPI", mpi_library() if mpi else
              "not loaded; --mpi names it")]
    return found


def compiled_facts() -> list[tuple[str, str]]:
    """Processor, instruction set and lane width of the compiled code, and where it is cached."""
    from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
    from ohmlearn.drivers.display.compile_cache import place

    features = get_host_cpu_features()
    isa = next((name for name, key in (("AVX-512", "avx512f"), ("AVX2", "avx2"), ("NEON", "neon"))
                if features.get(key)), "baseline")
    cpu = os.environ.get("NUMBA_CPU_NAME") or get_host_cpu_name()       # as Numba chooses
    given = os.environ.get("NUMBA_CPU_FEATURES")
    found = [("processor", f"{get_host_cpu_name()}, {isa}"), ("compiled code", place())]
    if cpu != get_host_cpu_name():
        found.insert(1, ("compiled for", f"{cpu}, as NUMBA_CPU_NAME says"))
    if not fuses(cpu, features.flatten() if given is None else given):
        found.append(("multiply-add", "no instruction of this processor: a function is called for every one, and "
                                      "training takes many times as long"))
    return found


def fuses(cpu: str, features: str, triple: str | None = None) -> bool:
    """Whether a fused multiply-add is an instruction of this processor, for LLVM: else it is a call of a function, with
    the same bits. triple : of another kind of machine."""
    from llvmlite import binding

    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    number = "double"
    module = binding.parse_assembly(f"declare {number} @llvm.fma.f64({number}, {number}, {number})\n"
                                    f"define {number} @one({number} %a, {number} %b, {number} %c) {{\n"
                                    f"  %d = call {number} @llvm.fma.f64({number} %a, {number} %b, {number} %c)\n"
                                    f"  ret {number} %d\n}}")
    target = binding.Target.from_triple(triple or binding.get_process_triple())
    text = target.create_target_machine(cpu=cpu, features=features).emit_assembly(module)
    return re.search(r"\bfma\b(?!\s+[%dv])", text) is None


def mpi_library() -> str:
    """First line of what the MPI library says of itself."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        return f"none found ({str(error).splitlines()[0]}); pip install 'ohmlearn[mpich]' brings one"
    return str(MPI.Get_library_version()).splitlines()[0]
