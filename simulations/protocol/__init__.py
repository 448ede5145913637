"""Protocol fidelity: the production node, unchanged, on the kernel's clock; every frame is bytes.

What is and is not modelled: docs/adr/0012-simulator-protocol-world.md.
"""
