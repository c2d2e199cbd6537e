"""Lets platform engineers read events over HTTP: live, and in pages of the past."""
