"""From records to what a person reads: pages, terminal text, snippets.  Everything here is made from records alone."""

from __future__ import annotations

from gradcheck.report.render import build as build
from gradcheck.report.snippet import snippet as snippet
from gradcheck.report.terminal import describe as describe
