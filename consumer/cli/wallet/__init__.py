"""`consumer wallet`: the keys of providers, and the check of the books."""
