"""Abstract fidelity: production routers and rules of custody, an exchange that costs nothing.

Peers know at once what the other one has; only bodies take time, at the link's rate in each
direction. For many nodes and long traces, where frames would be most of the work.
"""
