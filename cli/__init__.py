"""The ``molva`` command: a client of the control API; ``stateless`` is what needs no node."""
