"""Samples of every message type, one file a family, as the catalogue has them."""
