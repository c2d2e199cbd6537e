"""Defines what a delivery is, who sent it, and how it ends."""
