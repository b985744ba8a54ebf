"""The numbers that stand in the project are the published ones."""
import numpy as np
import pytest
from ohmlearn.drivers.analysis import published


@pytest.mark.parametrize(("file", "table"), [
    ("fig2c_final_cost.csv", published.FINAL_COST),
    ("fig2d_training_time.csv", published.TRAINING_TIME),
    ("fig3a_oscillation_frequency.csv", published.OSCILLATION_FREQUENCY),
    ("fig3b_hessian_top_eigenvalues.csv", published.HESSIAN_EIGENVALUES),
])
def test_numbers_are_the_published_ones(reference, file, table) -> None:
    np.testing.assert_array_equal(np.column_stack(list(table.values())),
                                  np.loadtxt(reference / file, delimiter=",", skiprows=1))


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        published.TRAINING_TIME["mean"][0] = 0
