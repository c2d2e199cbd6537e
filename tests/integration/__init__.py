"""What only one broker does, on the real one."""
