"""The ``molva`` command: a client of the control API, but for what needs no node (``stateless``)."""
