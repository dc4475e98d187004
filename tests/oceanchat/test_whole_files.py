"""A file is whole or absent; what was there before stays until the new one is complete."""

import os
from pathlib import Path

import pytest

from oceanchat.whole_files import whole_file


def test_a_file_is_put_in_place_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"before")
    with whole_file(path) as file:
        file.write(b"after")
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert os.listdir(tmp_path) == ["x.bin"]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"before")
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["x.bin"]


def test_links_in_a_circle_are_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OSError, match="symbolic links"), whole_file(tmp_path / "a"):
        pass


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error, whole_file(tmp_path / "nowhere" / "x.bin"):
        pass
    assert error.value.filename == str(tmp_path / "nowhere" / "x.bin")


def test_a_device_is_written_directly(tmp_path: Path) -> None:
    with whole_file(Path("/dev/null")) as file:
        file.write(b"x")
    with pytest.raises(OSError, match="No space left"), whole_file(Path("/dev/full")) as file:
        file.write(b"x")
    assert Path("/dev/full").is_char_device()


def test_a_pipe_is_written_directly() -> None:
    reader, writer = os.pipe()
    with whole_file(Path(f"/dev/fd/{writer}")) as file:
        file.write(b"x")
    assert os.read(reader, 9) == b"x"
    os.close(reader)
    os.close(writer)
