"""The recipes of all message types, with a file for each family of types."""
