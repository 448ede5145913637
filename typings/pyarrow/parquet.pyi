"""The part of pyarrow.parquet that the simulator calls, typed."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pyarrow import Table

def write_table(table: Table, where: str | Path | BinaryIO, *, compression: str = ...) -> None: ...

class ParquetFile:
    """One file, read by the thread that asks."""

    def __init__(self, source: str | Path | BinaryIO, *, pre_buffer: bool = ...) -> None: ...
    def read(self, columns: Sequence[str] | None = ..., *, use_threads: bool = ...) -> Table: ...

def read_table(source: str | Path | BinaryIO, *, columns: Sequence[str] | None = ...) -> Table: ...
