"""Speed and memory, measured on real nodes and printed beside the reference."""
