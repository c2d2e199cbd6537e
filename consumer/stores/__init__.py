"""What remembers identities: Redis or Valkey, or this process's memory."""
