"""`consumer config`: prints the configuration in force, or its JSON Schema."""
