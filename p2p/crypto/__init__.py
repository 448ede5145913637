"""Small total functions over PyNaCl and cryptography."""
