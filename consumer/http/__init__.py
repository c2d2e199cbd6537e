"""Speaks HTTP: takes connections within limits, checks requests, and hands them to endpoints."""
