"""The part of pyarrow.parquet that the simulator calls, typed."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pyarrow import Table

def write_table(table: Table, where: str | Path | BinaryIO, *, compression: str = ...) -> None: ...
def read_table(source: str | Path | BinaryIO, *, columns: Sequence[str] | None = ...) -> Table: ...
