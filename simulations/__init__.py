"""The network simulator."""
