"""Scenarios: TOML in, frozen values out, and one sentence for whatever cannot be."""
