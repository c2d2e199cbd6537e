"""`consumer top`: what every listener is doing now."""
