"""Listens to a queue of RabbitMQ."""
