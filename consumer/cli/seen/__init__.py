"""`consumer seen`: tells what became of one event."""
