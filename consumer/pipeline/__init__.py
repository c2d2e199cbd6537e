"""What happens to a batch between its listener and the sink: one file a step."""
