"""The public HTTP port: puts all endpoints behind it, and describes them."""
