"""Deliveries that can never become events: kept whole, with the exact reason."""
