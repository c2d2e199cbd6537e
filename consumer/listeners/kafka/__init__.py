"""Listens to topics of Kafka."""
