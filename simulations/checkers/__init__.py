"""Checkers: they look at a run from outside, and say what must never be."""
