"""The recipes of every message type, a file for each family as in the catalogue."""
