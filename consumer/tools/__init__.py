"""Tools that people use beside the daemon, which loads none of them."""
