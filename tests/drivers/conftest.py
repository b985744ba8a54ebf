"""The small sweep's file, and its results when nothing disturbed it."""
import ohmlearn as ol
import pytest
from sweeps import TOML, small


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(TOML)
    return path


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """The small sweep's results, run in one go on one thread."""
    path = tmp_path_factory.mktemp("done") / "store"
    report = small().run(path, threads=1, progress=False)
    assert (report.computed, report.n_missing, report.n_failed, report.stopped) == (15, 0, 0, None)
    return ol.open_results(path).load()
