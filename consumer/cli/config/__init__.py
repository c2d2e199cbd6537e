"""`consumer config`: what is in force, and what could be."""
