"""Whether kernels become vector code on ARM (AArch64, NEON), where no such machine is at hand.

    python benchmarks/aarch64.py [--step] [--show step.s]

The kernels that plain training runs are compiled by Numba here, and their LLVM code once more for AArch64, by the
LLVM that Numba brings. Printed for each: fused vector operations on two float64 (`fmla v0.2d`), other vector
operations, those on one number, and calls of `fma`, of which there must be none. Nothing runs: speed and bits on ARM
are not known by this.
"""
from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llvmlite import binding
from numba import typeof

TRIPLE = "aarch64-unknown-linux-gnu"
KINDS = {"fused vector": r"\tfml[as]\tv\d+\.(2d|4s)", "other vector": r"\tf\w+\tv\d+\.(2d|4s)",
         "fused, one number": r"\tfn?m(add|sub|la|ls)\td\d+", "calls of fma": r"\tbl?\tfma\b"}


def assembly(kernel: Any, *arguments: Any, cpu: str = "neoverse-n1") -> str:
    """A kernel for arguments of these types, compiled for AArch64."""
    signature = tuple(typeof(argument) for argument in arguments)
    kernel.compile(signature)
    code = kernel.inspect_llvm(signature)
    code = re.sub(r"^target (triple|datalayout) = .*$", "", code, flags=re.MULTILINE)
    # what Python calls, and counts of references with instructions of x86, are no part of the kernel
    code = re.sub(r"^define [^@]*@(\"?)(?:_ZN7cpython|cfunc\.).*?^}$", "", code, flags=re.MULTILINE | re.DOTALL)
    code = re.sub(r"^define [^@]*(@NRT_\w+)\(.*?^}$", r"declare void \1(ptr)", code, flags=re.MULTILINE | re.DOTALL)
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    machine = binding.Target.from_triple(TRIPLE).create_target_machine(cpu=cpu, opt=3)
    module = binding.parse_assembly(f'target triple = "{TRIPLE}"\ntarget datalayout = "{machine.target_data}"\n{code}')
    return str(machine.emit_assembly(module))


def counts(text: str) -> dict[str, int]:
    """Operations of some assembly by kind."""
    found = {kind: len(re.findall(pattern, text)) for kind, pattern in KINDS.items()}
    found["other vector"] -= found["fused vector"]
    return found


def kernels() -> dict[str, Callable[[], str]]:
    """What plain training runs."""
    from ensembles import a_block
    from ohmlearn.kernels.ensemble import block_loop
    from ohmlearn.kernels.ensemble.rk4 import rk4_step

    b = a_block(64, follow=False).block
    return {"RK4 step": lambda: assembly(rk4_step, b.graph, b.law, b.x, b.y, b.q, b.G, b.Gq),
            "run loop, RK4": lambda: assembly(block_loop.run, b, None, 1),
            "run loop, slow manifold": lambda: assembly(block_loop.run, b, True, 1)}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--show", type=Path, help="write the step's assembly to this file")
    words.add_argument("--step", action="store_true", help="only the RK4 step, which takes a few seconds")
    given = words.parse_args()
    os.environ["OHMLEARN_CACHE"] = "off"        # what is found in a cache has no LLVM code any more
    for name, made in list(kernels().items())[:1 if given.step else None]:
        text = made()
        print(f"{name}: " + ", ".join(f"{n} {kind}" for kind, n in counts(text).items()), flush=True)
        if given.show and name == "RK4 step":
            given.show.write_text(text)


if __name__ == "__main__":
    main()
