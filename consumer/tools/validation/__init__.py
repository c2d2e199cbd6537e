"""Files of events held against the catalogue, with every error of each event."""
