"""Let a listener take in nothing: `consumer pause`."""
