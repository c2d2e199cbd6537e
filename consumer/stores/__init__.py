"""Remembers identities: in Redis or Valkey, or in the memory of this process."""
