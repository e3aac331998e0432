"""Cases that are not decided rightly yet, by name, with the reason."""

KNOWN_GAPS: dict[str, str] = {}
