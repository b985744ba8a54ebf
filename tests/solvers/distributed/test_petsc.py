"""Solves over ranks with PETSc's multigrid, where petsc4py is, under the MPI library that PETSc was built with."""
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from ohmlearn import Equilibrium, Network
from rank_jobs import on_ranks
from sweeps import needs_mpi


def launcher():
    """The launcher of PETSc's MPI library, the variables that make mpi4py take that library, or why there is none."""
    found = find_spec("petsc4py")
    if found is None or not found.submodule_search_locations:
        return None, {}, "needs petsc4py; the documentation says how to get it"
    for library in Path(found.submodule_search_locations[0]).rglob("PETSc*.so"):
        linked = subprocess.run(["ldd", str(library)], capture_output=True, text=True, check=False).stdout
        mpi = re.search(r"libmpi\S* => (\S+)", linked)
        if mpi and "libmpi.so.40" in mpi[0]:
            name = shutil.which("mpirun.openmpi")
            return name, {"MPI4PY_LIBMPI": mpi[1], "MPI4PY_MPIABI": "openmpi", "OMPI_ALLOW_RUN_AS_ROOT": "1",
                          "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1"}, \
                "" if name else "PETSc was built with Open MPI, whose mpirun.openmpi is not here"
    return shutil.which("mpiexec"), {}, "" if shutil.which("mpiexec") else "needs an mpiexec"


LAUNCHER, ENVIRONMENT, MISSING = launcher()
needs_petsc = pytest.mark.skipif(bool(MISSING), reason=MISSING or "petsc4py is here")


def problem(name):
    rng = np.random.default_rng(5)
    network = {"delaunay": Network.delaunay(1200, seed=2), "3-D": Network.grid(8, 9, 10)}[name]
    edges = np.sort(network.edges, axis=1)
    network = Network(edges[np.lexsort((edges[:, 1], edges[:, 0]))], network.n_nodes)
    return network, [10 ** rng.uniform(-d / 2, d / 2, network.n_edges) for d in (0, 4, 4)]


def solved(comm, name, kind):
    from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
    from ohmlearn.solvers.distributed.part import Part
    from ohmlearn.solvers.distributed.petsc_multigrid import PetscMultigrid

    network, draws = problem(name)
    n = network.n_nodes
    owner = np.arange(n) // 60 % comm.size if kind == "stripes" else np.full(n, comm.size - 1)
    part = Part.of(network, owner, comm)
    circuit = DistributedEquilibrium(part, [0, n - 1], "petsc")
    if kind == "gamg":
        circuit._solver._preconditioner = PetscMultigrid(circuit.rows, circuit._sums, "gamg")
    g = draws[-1] * (1 + 0.01 * np.random.default_rng(0).standard_normal(network.n_edges))
    found = [circuit.solve(g[part.edge_numbers], [1.0, 0.0]) for g in (*draws, g)]
    again = circuit.solve(draws[0][part.edge_numbers], [1.0, 0.0])
    return part.nodes, found, circuit.stats, again


@needs_petsc
@pytest.mark.parametrize(("size", "name", "kind"), [
    (1, "delaunay", "stripes"), (3, "delaunay", "stripes"), (3, "3-D", "stripes"), (2, "delaunay", "empty"),
    (2, "delaunay", "gamg")])
def test_voltages_by_petsc(size, name, kind):
    network, draws = problem(name)
    one = Equilibrium(network, [0, network.n_nodes - 1], rtol=1e-12)
    expected = [one.solve(g, [1.0, 0.0]) for g in (*draws, draws[-1] * (
        1 + 0.01 * np.random.default_rng(0).standard_normal(network.n_edges)))]
    for nodes, found, stats, again in on_ranks(size, solved, name, kind, launcher=LAUNCHER, env=ENVIRONMENT):
        for here, v in zip(found, expected, strict=True):
            assert abs(here - v[nodes]).max(initial=0.0) < 1e-9
        assert abs(again - expected[0][nodes]).max(initial=0.0) < 1e-9
        assert (stats.method, stats.n_kept >= 1) == ("petsc", True)
        assert max(stats.iterations) < (200 if kind == "gamg" else 40)


def told(comm):
    from ohmlearn.solvers.distributed import petsc_multigrid
    from ohmlearn.solvers.distributed.equilibrium import DistributedEquilibrium
    from ohmlearn.solvers.distributed.part import Part

    with patch.object(petsc_multigrid, "installed", lambda: False), pytest.raises(ValueError) as said:    # noqa: PT011
        DistributedEquilibrium(Part.of(Network.grid(3), np.zeros(3), comm), [0], "petsc")
    return str(said.value)


@needs_mpi
def test_without_petsc4py_the_remedy_is_told():
    said, = on_ranks(1, told)
    assert said.startswith("method 'petsc' needs petsc4py, which is not installed: on a cluster load its module")


@needs_petsc
@needs_mpi
def test_another_mpi_library_than_petscs_is_told():
    if "openmpi" not in str(LAUNCHER):
        pytest.skip("PETSc and the launcher beside this Python belong together")
    said = on_ranks(2, mixed)
    assert all("PETSc counts 1 processes where mpi4py counts 2" in text for text in said)


def mixed(comm):
    from ohmlearn.solvers.distributed.petsc_multigrid import petsc

    try:
        petsc()
    except ValueError as error:
        return str(error)
