"""Finds an event by its id, in the store and in the sink."""
