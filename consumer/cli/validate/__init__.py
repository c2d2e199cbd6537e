"""`consumer validate`: checks files of events against the catalogue."""
