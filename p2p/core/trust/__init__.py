"""What a node trusts: pinned anchors and the signed lists under them (docs/adr/0009)."""
