"""The listener on NATS."""
