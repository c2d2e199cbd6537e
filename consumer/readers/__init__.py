"""Lets platform engineers read events over HTTP: live, after the fact, and by their id."""
