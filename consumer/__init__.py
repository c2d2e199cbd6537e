"""Takes casino events from RabbitMQ, Kafka, NATS and HTTP, and puts each once on NATS subjects.

A message passes these folders and steps from left to right:

    listeners ─► pipeline (batch ─► decode ─► dedupe ─► route ─► deliver ─► settle) ─► sinks
                              events          stores            dead_letters

`app.py` starts and stops all of them. `docs/ARCHITECTURE.md` explains the design.
"""
