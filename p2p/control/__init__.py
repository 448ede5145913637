"""The local control API: what a client of this node can ask, over a unix socket."""
