"""The benchmarks of learning from data: their circuits and data, and that the command prints and writes them."""
import csv
import gzip
import sys

import numpy as np
import pytest
from ohmlearn.drivers import cli
from ohmlearn.drivers.data_benchmarks import circuits, classes, data_sets
from ohmlearn.drivers.data_benchmarks.comparison import Row, spread, table


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments])
    return ended.value.code


def test_iris_is_learned_and_written(tmp_path, capsys):
    asked = "--epochs", "20", "--seeds", "2", "--splits", "1", "-o", str(tmp_path / "rows.csv")
    assert run("benchmark", "iris", *asked) == 0
    rows = list(csv.DictReader((tmp_path / "rows.csv").read_text().splitlines()))
    assert float(rows[0]["measured"].split()[0]) >= 0.9
    assert rows[0]["beside"].startswith("logistic regression 0.9")
    said = capsys.readouterr()
    assert rows[0]["what"] in said.out
    assert "epoch 20 of 20" in said.err


def test_digits_are_those_of_the_published_circuit():
    circuit = classes.rails(64, 10)
    assert circuit.network.n_edges == 1280
    assert circuit.terminals.outputs[0] == (64, 74)
    rows = classes.digits(classes.Training(epochs=2, chips=1, splits=1), losses=["hinge"])
    assert 0.85 < float(rows[0].measured.split()[0]) < 1
    assert rows[0].published == "0.9806"


def test_radar_returns_are_as_they_are_described(capsys):
    X, y = data_sets.radar_returns()
    assert X.shape == (351, 34)
    assert np.bincount(y).tolist() == [126, 225]
    assert np.all(X[:, 0] == 1)
    assert np.all(X[:, 1] == 0)
    assert np.abs(X).max() <= 1
    assert np.array_equal(data_sets.radar_returns()[0], X)
    assert not np.array_equal(data_sets.radar_returns(1)[0], X)
    # Without noise, the mean over shifts ~ N(0, s²) and decays ~ U(0, d) is exp(-2 π² s² k²) (1 - exp(-d k))/(d k).
    rng, k = np.random.default_rng(0), np.arange(1, 17)
    pulses = data_sets._autocorrelation(rng, rng.normal(0, 0.06, 40_000), decay=0.2, noise=0.0, seen=1.0)
    wanted = np.exp(-2 * (np.pi * 0.06 * k) ** 2) * (1 - np.exp(-0.2 * k)) / (0.2 * k)
    assert np.abs(pulses.mean(axis=0)[1:] - wanted).max() < 0.015
    seen = data_sets._autocorrelation(rng, rng.uniform(-0.5, 0.5, 40_000), decay=1.0, noise=0.0, seen=0.5)
    assert abs(np.mean(seen[:, 5] != 0) - 0.5) < 0.01
    assert run("benchmark", "ionosphere-like", "--epochs", "20", "--seeds", "2", "--splits", "2") == 0
    first = capsys.readouterr().out.splitlines()[1]
    assert first.startswith("ionosphere-like (made here): held-out accuracy, 2 splits × 2 seeds")
    assert float(first.split("seeds")[1].split()[0]) > 0.8      # 0.64 are good
    assert "logistic regression 0." in first


def written(path, array, pack=bytes):
    head = b"\x00\x00\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(pack(head + array.astype(np.uint8).tobytes()))
    return path


def test_files_of_mnist_are_read(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 28, 28))
    images[:, :14] //= 1 + np.arange(40)[:, None, None] % 3
    written(tmp_path / "images", images, gzip.compress)
    labels = written(tmp_path / "labels", np.arange(40) % 3)
    how = classes.linear(classes.Training(epochs=1, chips=1, splits=1))
    rows = classes.mnist_subset(how, tmp_path / "images", labels)
    assert rows[0].what.startswith("MNIST 0 to 2")
    pooled = classes.pooled(images / 255)
    assert np.allclose(pooled[7, 1], images[7, :2, 2:4].mean() / 255)
    with pytest.raises(ValueError, match="has 40 images, but"):
        classes.mnist_subset(how, tmp_path / "images", written(tmp_path / "few", np.arange(39) % 3))
    with pytest.raises(ValueError, match="squares of a multiple of 14"):
        classes.pooled(np.zeros((3, 28, 27)))


def test_both_files_or_none(tmp_path, capsys):
    assert run("benchmark", "mnist-subset", "--images", str(tmp_path / "images")) == 2
    assert "give both files" in capsys.readouterr().err
    assert run("benchmark", "xor", "--images", str(tmp_path / "images")) == 2


def test_rows_are_a_table():
    lines = table([Row("accuracy", spread([0.5, 0.75, 1.0]), "0.9"), Row("time", "3 µs")])
    assert lines[1].split() == ["accuracy", "0.7500", "(0.5000", "to", "1.0000)", "0.9"]
    assert len(lines) == 3


@pytest.mark.slow      # compiles a law that nothing else does
def test_the_transistor_circuit():
    rows = circuits.xor(epochs=20)
    assert len(rows) == 5
    assert rows[0].published == ""
    assert len(circuits.regression(epochs=5)) == 3


def test_data_without_scikit_learn_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"pip install 'ohmlearn\[learn\]'"):
        data_sets.digits()
