"""`consumer demo`: runs the daemon on servers of its own, and checks that no event is lost."""
