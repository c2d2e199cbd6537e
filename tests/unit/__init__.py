"""The first ring: no broker, no socket."""
