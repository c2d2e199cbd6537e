"""Opens the parts outside this process, keeps them open, and waits while one of them is away."""
