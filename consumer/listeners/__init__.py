"""Where deliveries come from: one file a broker, one contract, one supervising loop."""
