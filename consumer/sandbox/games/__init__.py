"""The test games: what is drawn, and what it pays. Nothing here speaks to a wallet."""
