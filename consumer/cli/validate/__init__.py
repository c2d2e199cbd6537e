"""`consumer validate`: hold a file of events against the catalogue."""
