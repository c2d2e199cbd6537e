"""The message types; each family of types has a file."""
