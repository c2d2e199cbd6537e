"""Takes deliveries in: a folder for each broker, and the contract that all listeners keep."""
