"""The part of pyarrow.csv that the simulator calls, typed."""

from pathlib import Path
from typing import BinaryIO

from pyarrow import Table

def write_csv(data: Table, output_file: str | Path | BinaryIO) -> None: ...
