"""The message types, one file a family."""
