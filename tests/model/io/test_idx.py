"""Files of the IDX format: read as they were written, packed or not, and refused in words where they are damaged."""
import gzip

import numpy as np
import pytest
from ohmlearn.io.idx import read_idx


def idx(array):
    """The bytes of a file."""
    shape = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return b"\x00\x00\x08" + bytes([array.ndim]) + shape + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("shape", [(3,), (2, 5), (4, 3, 2), (0, 3), (1, 1, 1)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_arrays_come_back(tmp_path, shape, pack):
    array = np.random.default_rng(0).integers(0, 256, shape)
    (tmp_path / "array").write_bytes(pack(idx(array)))
    found = read_idx(tmp_path / "array", len(shape))
    assert found.shape == shape
    assert np.array_equal(found, array)


WHOLE = idx(np.arange(12).reshape(3, 4))
PACKED = gzip.compress(WHOLE, mtime=0)      # the same bytes, and so names of tests, in every process
SPOILT_SUM = PACKED[:-8] + b"\x00" * 8


@pytest.mark.parametrize(("data", "words"), [
    (b"", "no IDX file"), (b"\x00\x00\x0d\x01\x00\x00\x00\x00", "no IDX file"), (b"digits", "no IDX file"),
    (idx(np.arange(3)), "holds an array of 1 dimensions, where 2"), (WHOLE[:9], "ends within its header"),
    (WHOLE[:-1], "says that it holds 3×4 bytes, but holds 11"), (WHOLE + b"0", "but holds more"),
    (b"\x00\x00\x08\x02" + b"\xff" * 8, "more than 1073741824"),
    (b"\x00\x00\x08\x02\x00\x00\xff\xff\x00\x00\x01\x00", "but holds 0"),
    (PACKED[:-12], "damaged gzip file"), (SPOILT_SUM, "damaged gzip file"),
    (b"\x1f\x8b" + b"7" * 30, "damaged gzip file"), (PACKED[:10] + b"\xff" * 20, "damaged gzip file"),
])
def test_other_files_are_refused(tmp_path, data, words):
    path = tmp_path / "images"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=words) as refused:
        read_idx(path, 2)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none", 1)
