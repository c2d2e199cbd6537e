"""`consumer tap`: the events as they pass."""
