"""Files are written whole or not at all."""
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from ohmlearn.io.replacing import must_take, replacing, save_figure


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


def test_links_are_replaced_and_not_followed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    link = tmp_path / "a.txt"
    link.symlink_to(tmp_path / "precious")
    with replacing(link) as file:
        file.write("new")
    assert (link.is_symlink(), link.read_text()) == (False, "new")
    assert (tmp_path / "precious").read_text() == "precious"


def test_names_of_half_written_files_cannot_be_foreseen(tmp_path):
    seen = set()
    for _ in range(3):
        with replacing(tmp_path / "a.txt"):
            seen |= {path.name for path in tmp_path.iterdir() if path.name != "a.txt"}
    assert len(seen) == 3


def test_devices_and_pipes_are_written_and_stay():
    with replacing("/dev/null") as file:
        file.write("gone")
    assert Path("/dev/null").is_char_device()
    must_take("/dev/null")


def test_what_cannot_be_written_is_told_before_the_work(tmp_path):
    must_take(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []
    for place in (tmp_path, tmp_path / "no" / "a.txt"):
        with pytest.raises(OSError, match=r"name a file|choose a folder that exists"):
            must_take(place)


def test_figures_are_written_whole_and_by_their_ending(tmp_path):
    figure = Figure()
    save_figure(figure, tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(ValueError, match=r"cannot be written as .xyz; endings are"):
        save_figure(figure, tmp_path / "a.xyz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
