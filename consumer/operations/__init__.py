"""Shows the operator how the process is: health, metrics, logs, and the port for the first two."""
