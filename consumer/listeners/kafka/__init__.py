"""The listener on topics of Kafka."""
