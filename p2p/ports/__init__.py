"""What Molva asks of the world, as Protocols: each has adapters and one contract suite."""
