"""What the tests share: sources, brokers, a proxy that breaks connections."""
