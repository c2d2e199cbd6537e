"""The ledger in PostgreSQL: one SQL function, and so one round trip, for each order."""
