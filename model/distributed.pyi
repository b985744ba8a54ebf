from ohmlearn.drivers.distributed.write_store import store_delaunay as store_delaunay
from ohmlearn.drivers.distributed.write_store import store_grid as store_grid
from ohmlearn.drivers.distributed.write_store import store_matrix as store_matrix
from ohmlearn.drivers.distributed.write_store import store_network as store_network
from ohmlearn.drivers.distributed.write_store import store_raster as store_raster
from ohmlearn.stored.block_arrays import DamagedStore as DamagedStore
from ohmlearn.stored.network_store import StoredNetwork as StoredNetwork
from ohmlearn.stored.network_store import open_network as open_network
