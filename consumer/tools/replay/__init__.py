"""Reads dead letters, and sends them through the pipeline again."""
