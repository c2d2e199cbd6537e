"""Runs a lane for each listener: its stages, and the loop that keeps the listener alive."""
