"""What a message costs, step by step; run each with `python -m bench.NAME`."""
