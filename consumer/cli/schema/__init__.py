"""`consumer schema`: prints the contract of events for brands, subscribers and their tools."""
