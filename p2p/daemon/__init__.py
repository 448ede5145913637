"""The node's own program, ``python -m p2p.daemon``: the one package that knows everything."""
