"""Let a listener take in deliveries again: `consumer resume`."""
