"""Listens to brands that post their events over HTTP."""
