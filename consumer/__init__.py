"""Casino events from RabbitMQ, Kafka and NATS: each once, clean, on NATS subjects.

The way of a message, one folder a step:

    listeners ─► pipeline (batch ─► decode ─► dedupe ─► route ─► deliver ─► settle) ─► sinks
                              events          stores            dead_letters

`app.py` wires it, `docs/ARCHITECTURE.md` explains it.
"""
