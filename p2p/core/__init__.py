"""The node as a value machine: events and the time go in, effects come out, nothing waits."""
