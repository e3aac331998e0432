"""``python -m gradcheck`` is the command ``gradcheck``."""

from __future__ import annotations

from gradcheck.cli import main

if __name__ == "__main__":  # worker processes import this module again
    main()
