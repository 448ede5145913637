"""Credentials between people: wallet, questions, answers, verdicts (docs/adr/0010)."""
