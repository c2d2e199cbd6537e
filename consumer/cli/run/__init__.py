"""`consumer run`: runs the daemon, also with servers of its own."""
