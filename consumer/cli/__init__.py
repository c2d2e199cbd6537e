"""The command line: a folder for each verb, and beside them what several verbs share."""
