"""Runs as tables."""
import numpy as np
import ohmlearn as ol

NET = ol.Network.from_edges([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)], node_names=["in", "a", "b", "ground"],
                            edge_names=["R1", "R2", "R3", "R4", "R5"])
TASK = ol.Task([0, 3], [1.0, 0.0], [1], [0.6])
RECORD = ol.Record(times=[0.0, 0.5, 1.0], keep=("outputs", "voltages", "conductances", "power"))


def test_data_frame():
    runs = ol.train(NET, [TASK, TASK], [1.0, 10.0], t_max=2.0)
    table = runs.to_dataframe()
    assert table["rate"].tolist() == [1.0, 10.0]
    np.testing.assert_array_equal(table["training_time"], runs.training_time)
    assert table["status"].tolist() == runs.status.tolist()


def test_dataset():
    run = ol.train(NET, TASK, 1.0, t_max=2.0, until=None, record=RECORD)
    data = run.to_xarray()
    assert float(data["conductances"].sel(edge="R3")) == run.conductances[2]
    assert float(data["voltages"].sel(node="b")) == run.voltages[2]
    assert str(data["second_node"].sel(edge="R3").values) == "ground"
    np.testing.assert_array_equal(data["recorded_conductances"].sel(edge="R5"), run.recorded["conductances"][:, 4])
    np.testing.assert_array_equal(data["recorded_power"], run.recorded["power"])
    assert data["cost"].sel(time=0.5).shape == ()
    assert data.attrs["rate"] == 1.0


def test_samples_side_by_side_and_no_names():
    net = ol.Network.from_edges(NET.edges)
    other = ol.Task([0, 3], [0.5, 0.0], [1], [0.2])
    run = ol.train(net, (TASK, other), 1.0, t_max=2.0, until=None, record=RECORD)
    data = run.to_xarray()
    assert data["voltages"].dims == ("sample", "node")
    assert data["node"].values.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(data["recorded_voltages"].sel(node=2), run.recorded["voltages"][..., 2])
