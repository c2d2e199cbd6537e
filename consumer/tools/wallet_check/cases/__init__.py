"""The cases of `consumer wallet check`, a module for each subject."""
