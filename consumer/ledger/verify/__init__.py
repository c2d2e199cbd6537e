"""Recomputes the books of a ledger."""
