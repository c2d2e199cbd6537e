"""The events that brands send: what each message type is, and how a body becomes an event."""
