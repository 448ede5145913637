"""Records at a node: kept, offered to neighbours, fetched in parts (docs/spec/record.md)."""
