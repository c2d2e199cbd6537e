"""What people use beside the daemon, which loads none of it."""
