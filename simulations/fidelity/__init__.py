"""Holds the kernel against the product's own shell: one story, told by three of them.

The only place of the simulator where trio may be imported. The story is about who meets whom in
which order; meetings last until everything that can be said has been said, so that three shells
with different clocks must agree on what arrives.
"""
