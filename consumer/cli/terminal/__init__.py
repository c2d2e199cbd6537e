"""What verbs print with: safe text, short numbers, progress, lines of events and dead letters."""
