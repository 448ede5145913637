"""The trio shell around one node: links, timers, transactions, subscribers."""
