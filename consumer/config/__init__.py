"""The configuration of the process: how it is read, checked as a whole, and printed."""
