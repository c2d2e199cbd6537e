"""The command line: a folder for each verb; `input/` and `terminal/` are shared by the verbs."""
