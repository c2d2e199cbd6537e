"""Connects to NATS, and creates and reads its streams, for every room that needs that."""
