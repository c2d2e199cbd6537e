"""What the operator sees: health, metrics, logs, and the port that answers for them."""
