"""Servers that a verb starts itself, for trying things out and for tests."""
