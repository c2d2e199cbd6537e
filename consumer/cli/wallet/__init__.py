"""`consumer wallet`: the keys of providers, the check of the books, and the test of a wallet."""
