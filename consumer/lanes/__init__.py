"""One lane for each listener: its stages, and the loop that keeps its listener alive."""
