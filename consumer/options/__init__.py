"""What an option can hold, and how a table of options is checked."""
