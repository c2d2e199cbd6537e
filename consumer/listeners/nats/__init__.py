"""Listens to NATS."""
