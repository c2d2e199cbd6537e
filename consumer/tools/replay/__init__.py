"""Dead letters once more: read, chosen, sent through the pipeline again."""
