"""A small scenario and a grid over it, as files."""

BASE = """
name = "tiny"
nodes = 8
end_s = 1800
[contacts]
source = "random-contacts"
gap_mean_s = 1500
length_mean_s = 60
[workload]
source = "random"
messages = 12
until_s = 900
"""

GRID = """
name = "small"
description = "two loads, two routers"
scenario = "base.toml"
[set]
node.buffer_bytes = 200000
[vary]
workload.messages = [6, 12]
"router.name" = ["spray", "direct"]
"""


def write(folder, grid=GRID, base=BASE):
    (folder / "base.toml").write_text(base)
    path = folder / "grid.toml"
    path.write_text(grid)
    return path
