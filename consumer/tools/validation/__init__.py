"""Compares files of events with the catalogue, and finds every error of each event."""
