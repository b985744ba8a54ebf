"""Files are written whole or not at all."""
import pytest
from ohmlearn.io.replacing import replacing


def test_a_new_file_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as file:
        file.write("naïve\n")
        assert path.read_text() == "old"
    assert path.read_bytes() == "naïve\n".encode()
    with replacing(path, "wb", durable=False) as file:
        file.write(b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half():
        with replacing(path) as file:
            file.write("new")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half"):
        half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_where_it_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OSError, match="choose a folder that exists") as caught, replacing(tmp_path / "no" / "a.txt"):
        pass
    assert caught.value.filename == str(tmp_path / "no" / "a.txt")
