"""Stores events on NATS subjects: in a JetStream stream, or over core NATS."""
