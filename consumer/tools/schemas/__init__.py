"""The catalogue as documents: JSON Schema, AsyncAPI, docs/events.md."""
