"""Where events go: JetStream, or core NATS."""
