"""What only NATS does; what every listener does is in the contract suite."""
