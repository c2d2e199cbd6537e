"""The third ring: the installed command on real brokers, looked at only from outside."""
