"""Where to look: points near the given one, directions to look along, and the smallest point that still fails."""
