"""Which tests come first, so that several processes do not compile the same kernels at the same time.

Every group of tests compiles kernels that many others use, and that have parts in common, which one process compiles
once. A process waits for a kernel that another one is compiling; it is better busy with other kernels. With
`--dist=worksteal` each process begins with its own stretch of the list of tests; the groups are dealt to these
stretches in turn.
"""
import os

GROUPS = [
    # plain training, with bounds and frozen edges; general kernels; large networks
    ["tests/drivers/training/test_endings.py::test_extremes_are_refused[voltage-given0-plain-0.0]",
     "tests/drivers/checks/test_earlier_runs.py::test_the_same_task_goes_on_and_another_begins[large",
     "tests/docs/test_examples.py::test_example_runs[Descent]",
     "tests/docs/test_examples.py::test_example_runs[distributed.RankRun]"],
    # nonlinear edges, and boards of the laboratory
    ["tests/drivers/training/test_nonlinear.py::test_dynamics_are_those_of_two_networks[0.05]",
     "tests/drivers/training/test_nonlinear.py::test_small_rates_come_to_rate_0",
     "tests/drivers/circuits/test_flow.py::test_numbers_are_learned_as_by_scipy[square-2-0.1-0.5]",
     "tests/docs/test_examples.py::test_example_runs[edges.Chips]",
     "tests/docs/test_examples.py::test_example_runs[learn.Learned]",
     "tests/docs/test_examples.py::test_example_runs[lab.LabCircuit]",
     "tests/model/edges/test_own.py::test_an_own_law_is_the_built_in_one_of_its_formula",
     "tests/model/io/cards/test_law_cards.py::test_operating_points"]]


def compiling_first(items):
    """The items of a session in the order in which they are dealt to this many processes."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    firsts = [[] for _ in range(processes)]
    for k, group in enumerate(GROUPS):
        for begins in group:
            firsts[k % processes] += [item for item in items if item.nodeid.startswith(begins)]
    taken = {item for first in firsts for item in first}
    rest = [item for item in items if item not in taken]
    ordered, length = [], len(items) // processes
    for first in firsts:
        more = max(0, length - len(first))
        ordered += first + rest[:more]
        del rest[:more]
    return ordered + rest
