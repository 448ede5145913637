"""Files that somebody else chose are read in bounded memory and time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from cli.stateless.bounded_input import Oversized, Unreadable, read_bounded


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert read_bounded(str(tmp_path / "file"), 100) == b"x" * 100
    with pytest.raises(Oversized, match="has 100 bytes"):
        read_bounded(str(tmp_path / "file"), 99)
    (tmp_path / "empty").write_bytes(b"")
    assert read_bounded(str(tmp_path / "empty"), 0) == b""


def test_devices() -> None:
    assert read_bounded("/dev/null", 10) == b""
    with pytest.raises(Oversized, match="more than 1000 bytes"):
        read_bounded("/dev/zero", 1000)


def test_a_pipe_that_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    data = b"y" * 200_000
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    assert read_bounded(str(path), 1 << 20, 30.0) == data
    writer.join()


def test_a_pipe_that_nobody_writes_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Oversized, match="no end in the time"):
        read_bounded(str(tmp_path / "pipe"), 1000, 0.05)


def test_a_pipe_that_is_kept_open(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    os.write(held, b"some")
    with pytest.raises(Oversized, match="no end in the time"):
        read_bounded(str(path), 1000, 0.05)
    os.close(held)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    for path in (str(tmp_path), str(tmp_path / "nothing"), "a\0b"):
        with pytest.raises(Unreadable):
            read_bounded(path, 1000)
