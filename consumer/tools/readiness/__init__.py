"""Tells which of the five steps of an integration are done: `consumer ready`."""
