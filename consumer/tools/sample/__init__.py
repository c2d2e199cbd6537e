"""A sample brand: events as a casino makes them, and the ways in which real senders break them."""
