"""The steps that a batch takes between its listener and the sink, one file for each step."""
