"""Bytes to values and back: every format that leaves a node, without state and without time."""
