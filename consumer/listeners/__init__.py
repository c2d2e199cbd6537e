"""Takes deliveries in. Has a folder for each broker, and the contract of all listeners."""
