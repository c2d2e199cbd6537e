"""What only RabbitMQ does; what every listener does is in the contract suite."""
