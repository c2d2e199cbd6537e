"""`consumer validate`: check a file of events against the catalogue."""
