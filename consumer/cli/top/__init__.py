"""`consumer top`: shows what every listener is doing now."""
