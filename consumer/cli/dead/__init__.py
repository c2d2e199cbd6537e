"""`consumer dead`: look at dead letters, replay them, drop them."""
