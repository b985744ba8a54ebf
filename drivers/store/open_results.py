"""Reading a store as an xarray dataset, whether its sweep has ended or is still on its way."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ohmlearn.drivers.sweeps.member_status import ALL_STATUSES, MISSING

from . import consolidate, results_group
from .errors import StoreError
from .record import text_of
from .store import Store

if TYPE_CHECKING:
    import xarray

COORDINATES = ("task", "rate", "sample_time", "training_steps")


def open_results(path: str | Path) -> xarray.Dataset:
    """The results of a sweep, by task and rate. Members that are still to do are NaN and have the status "to do".

    Variables are those of :class:`ohmlearn.Run` (conductances along the dimension `edge`, traces along `sample`
    with the coordinate `sample_time`), `status` and `reason` in words, the network and the tasks; units are in
    their attributes, the sweep's provenance in the dataset's. A folded store is read lazily. All that is read is
    verified by checksums, a chunk of a folded store when it is loaded.

    path : folder of the store.

    Raises StoreError when the folder is not a store, or what is in it is damaged or another sweep's; ValueError when a
    chunk that is loaded later is damaged.

    Returns an xarray.Dataset along the dimensions task and rate.

    >>> import ohmlearn as ol
    >>> from tempfile import TemporaryDirectory
    >>> tables = {"network": {"grid": {"shape": [4, 4]}}, "sweep": {"rates": [0, 1], "until": 1e-3},
    ...           "tasks": {"tables": [{"sources": {"0": 1.0, "15": 0.0}, "targets": {"6": 0.7}}]}}
    >>> sweep = ol.Sweep.from_tables(tables)
    >>> with TemporaryDirectory() as folder:
    ...     report = sweep.run(folder, progress=False)
    ...     results = ol.open_results(folder).load()
    >>> results["status"].values.tolist(), results["training_time"].attrs["units"][:4]
    ([['reached', 'reached']], '1/γp')
    """
    import xarray

    store = Store.open(path)
    if consolidate.is_folded(store) and not store.parts():
        found = xarray.open_zarr(store.results, chunks=None, consolidated=False, zarr_format=3, mask_and_scale=False)
        compare(store, found)
    else:
        found = patiently(store)
    found = found.set_coords([name for name in COORDINATES if name in found.variables])
    codes = found["status_code"].values
    words = np.array([*ALL_STATUSES, "to do"])  # -1 is the last
    found["status"] = (("task", "rate"), words[codes], {"long_name": "how the run ended"})
    texts = found["reason_text"].values
    reasons = np.array([text_of(text) for text in texts.reshape(-1, texts.shape[-1])], dtype=object)
    found["reason"] = (("task", "rate"), reasons.reshape(codes.shape), {"long_name": "why it ended so"})
    found["status_code"].attrs.update(consolidate.flags("status_code"))     # a list in format 1, not in netCDF 3
    found["checksum"] = found["checksum"].copy(data=found["checksum"].values.view("<i4"))  # netCDF 3 has no other
    found.attrs["members_to_do"] = int((codes == MISSING).sum())
    for name in (results_group.FILES, results_group.SEAL):
        found.attrs.pop(name, None)
    found.attrs["ohmlearn_versions"] = " ".join(found.attrs["ohmlearn_versions"])
    return found.drop_vars("reason_text").drop_encoding()      # of zarr: it would keep xarray from writing netCDF


def compare(store: Store, found: xarray.Dataset) -> None:
    """Raise StoreError where what surrounds the folded results is not that of the store's sweep."""
    if found.attrs.get("results_format") != store.header["format"]:
        raise StoreError(f"{store.results} has another format than its store; `ohmlearn check {store.path}` "
                         "writes it anew")
    for name, (_, values, _) in consolidate.surroundings(store).items():
        recorded = found.attrs.get("results_format") == 1 and name in ("sample_time", "training_steps")
        if name not in found or found[name].shape != values.shape or (
                not recorded and not np.array_equal(found[name].values, values, equal_nan=values.dtype.kind == "f")):
            raise StoreError(f"{store.results}: {name} is not that of the sweep; `ohmlearn check {store.path}` writes "
                             "it anew")
    layout = store.layout
    for name, quantity in layout.quantities.items():
        if name not in found or found[name].shape != (len(store.sweep.tasks), store.sweep.rates.size,
                                                      *(layout.sizes[dim] for dim in quantity.dims)):
            raise StoreError(f"{store.results}: {name} is missing or has another shape; `ohmlearn check {store.path}` "
                             "keeps what is sound")


def patiently(store: Store) -> xarray.Dataset:
    """The dataset in memory; once more where a job folded the parts while they were read."""
    while True:
        before = store.parts()
        try:
            return gathered(store)
        except StoreError:
            if store.parts() == before:
                raise


def gathered(store: Store) -> xarray.Dataset:
    """The dataset in memory, from the parts and what is folded."""
    import xarray

    quantities = store.layout.quantities
    variables: dict[str, Any] = {}
    for name, values in consolidate.collect(store, 0, len(store.sweep.tasks)).items():
        q = quantities[name]
        variables[name] = (("task", "rate", *q.dims), values,
                           {"units": q.unit, "long_name": q.meaning} | consolidate.flags(name))
    variables.update(consolidate.surroundings(store))
    return xarray.Dataset(variables, attrs=consolidate.provenance(store))
