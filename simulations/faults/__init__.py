"""What goes wrong in a world, as events: nodes that are off, links that are cut, radio jammed."""
