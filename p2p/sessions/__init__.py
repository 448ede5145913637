"""Pairwise sessions: X3DH and Double Ratchet behind HPKE X-Wing, in fixed-size envelopes."""
