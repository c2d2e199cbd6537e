"""What brands send: one file a family of message types, each type stated in one place."""
