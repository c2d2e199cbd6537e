"""The configuration: read, checked whole, printed."""
