"""The ONE's exact link and buffer semantics, to be held against its own output and nothing else.

The rules are those of ``50-simulator``: one transfer per node, a clock of whole seconds with an
extra round of updates after every external event, hosts updated in order of address, ties broken
by the iteration order of a Java HashMap. Idle rounds are skipped, because a host's update changes
nothing unless a link, a buffer, a transfer or a lifetime around it has changed.
"""
