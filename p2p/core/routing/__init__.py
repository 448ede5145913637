"""Routing policies: what to offer and how many copies; the same code live and simulated."""
