"""The ledger in a SQLite file: one writer, and many orders in one commit."""
