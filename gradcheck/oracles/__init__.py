"""HOW the truth is known: each oracle gives values with bounds, or None, and never sees the answer under test."""
