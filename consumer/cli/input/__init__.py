"""What a person gives to a verb: values, names of message types, files, a configuration."""
