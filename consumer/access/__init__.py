"""Access keys over HTTP: who may do what, from where, how often, and until when."""
