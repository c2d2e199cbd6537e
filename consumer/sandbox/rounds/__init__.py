"""The rounds of the test games: which callbacks a round sends, and in which order."""
