"""Readers of events on a real stream."""
