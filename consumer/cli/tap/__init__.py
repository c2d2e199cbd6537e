"""`consumer tap`: shows the events as they pass."""
