"""The catalogue of message types as documents: JSON Schema, AsyncAPI, docs/events.md."""
