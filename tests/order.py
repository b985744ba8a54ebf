"""Which tests come first, so that several processes do not compile the same kernels at the same time.

Every group of tests compiles kernels that many others use, and that have parts in common, which one process compiles
once. With `--dist=worksteal` each process begins with its own stretch of the list of tests; the groups are dealt to
these stretches in turn.
"""
import os

GROUPS = [
    # plain training, with every kind of bound; general kernels; large networks
    ["tests/drivers/training/test_endings.py::test_extremes_are_refused[voltage-given0-plain-0.0]",
     "tests/drivers/training/test_fields.py::test_every_field_of_a_rule_counts[frozen-plain]",
     "tests/drivers/training/test_first_crossings.py::test_a_small_grid_with_one_target",
     "tests/docs/test_examples.py::test_example_runs[Schedule]",
     "tests/docs/test_examples.py::test_example_runs[rules.Discrete]",
     "tests/drivers/checks/test_earlier_runs.py::test_the_same_task_goes_on_and_another_begins[large",
     "tests/docs/test_examples.py::test_example_runs[Descent]",
     "tests/drivers/analysis/test_hessians_along_training.py::test_gradient_flow_is_followed_by_the_same_call"],
    # nonlinear edges
    ["tests/drivers/training/test_nonlinear.py::test_dynamics_are_those_of_two_networks[0.05]",
     "tests/drivers/training/test_nonlinear.py::test_small_rates_come_to_rate_0",
     "tests/drivers/training/test_pulled.py::test_without_a_cubic_term_edges_are_linear[0.3]",
     "tests/model/results/test_run_file.py::test_a_run_knows_the_law_of_its_edges[NMOS0]",
     "tests/drivers/sweeps/test_edges_table.py::test_members_are_those_of_train_and_a_store_keeps_their_law",
     "tests/drivers/circuits/test_flow.py::test_numbers_are_learned_as_by_scipy[square-2-0.1-0.5]",
     "tests/docs/test_examples.py::test_example_runs[edges.Chips]",
     "tests/docs/test_examples.py::test_example_runs[learn.Learned]",
     "tests/drivers/data_benchmarks/test_power.py::test_a_divider_ends_where_its_balance_is[gradient]",
     "tests/docs/test_examples.py::test_example_runs[lab.LabCircuit]"]]


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
