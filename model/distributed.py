"""One network over many MPI ranks: stores of large networks, and what trains them."""
from .lazy_names import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ohmlearn.drivers.distributed.stored_equilibrium": ["StoredEquilibrium"],
    "ohmlearn.drivers.distributed.write_store": ["store_delaunay", "store_grid", "store_matrix", "store_network",
                                                 "store_raster"],
    "ohmlearn.drivers.distributed.rank_run": ["RankRun", "StoredRun", "open_run"],
    "ohmlearn.stored.block_arrays": ["DamagedStore"],
    "ohmlearn.stored.network_store": ["StoredNetwork", "open_network"],
    "ohmlearn.stored.voltages": ["StoredVoltages", "open_voltages"],
})
