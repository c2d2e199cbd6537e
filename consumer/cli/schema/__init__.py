"""`consumer schema`: the contract, for brands, for subscribers and for their tools."""
