"""Tell which steps of an integration are done: `consumer ready`."""
