"""Keeps the players' money: double entry, in PostgreSQL or SQLite."""
