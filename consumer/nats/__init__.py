"""Connects to NATS, and creates and reads its streams, for all other rooms."""
