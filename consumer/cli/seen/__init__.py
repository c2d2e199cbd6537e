"""`consumer seen`: what became of one event."""
