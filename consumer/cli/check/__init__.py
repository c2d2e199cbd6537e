"""`consumer check`: tells whether the daemon would work if it was started now."""
