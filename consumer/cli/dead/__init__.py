"""`consumer dead`: lists, shows, replays and drops dead letters."""
