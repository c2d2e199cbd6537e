"""`consumer keys`: makes, shows, rotates, revokes and moves access keys."""
