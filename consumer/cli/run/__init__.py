"""`consumer run`: the daemon, also with servers of its own."""
