"""What is done with NATS, whoever does it: connections, streams, reading them."""
