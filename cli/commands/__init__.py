"""The commands, one module for each; imported only when they are asked for."""
