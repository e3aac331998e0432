"""How numbers behave: one text of ordinary NumPy, read in many number systems.

``tracing.trace`` runs a text once on arrays of places and yields a ``program.Program``, one analytic branch, which any field replays.
"""
