"""The listener on a RabbitMQ queue."""
