"""The console of the command line."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from gradcheck.report import text


class Plain(Console):
    """A console that shows what is unprintable as escapes: names come from the code under test, and a terminal would obey them."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's; texts of rich's own, which may have colours, pass as they are."""
        super().print(*(text.visible(one) if isinstance(one, str) else one for one in objects), **options)
