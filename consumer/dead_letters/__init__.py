"""Keeps deliveries that can never become events, whole and with the exact reason."""
