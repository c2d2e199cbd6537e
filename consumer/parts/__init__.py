"""The parts outside this process that a daemon needs: opened with patience, and kept open."""
