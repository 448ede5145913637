"""The ``molva`` command: a client of the control API."""
