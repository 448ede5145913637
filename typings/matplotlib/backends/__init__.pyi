"""How figures become files."""
