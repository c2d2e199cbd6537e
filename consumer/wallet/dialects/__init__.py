"""The ways in which other providers write callbacks: a module for each of them."""
