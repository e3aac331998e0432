"""Whether what was proved once was proved of the texts that a record is about: of others it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradcheck.fingerprints import PREFIX
from gradcheck.records import Record


@dataclass(frozen=True, slots=True)
class Texts:
    """The fingerprints of the texts that a record was made with, by name: definition and rule, or vjp of an algorithm."""

    now: Mapping[str, str]

    @classmethod
    def of(cls, record: Record) -> Texts:
        """As the record says them; none for one that was made by an implementation which states no text."""
        return cls({key.removeprefix(PREFIX): said for key, said in record.claim.items() if key.startswith(PREFIX)})

    def stale(self, proved: Mapping[str, str]) -> str:
        """Why a claim about the texts ``proved`` is none about these: a sentence without its full stop, empty where it is one."""
        changed = [name for name, digest in proved.items() if self.now.get(name, digest) != digest]
        if changed:
            return f"the {' and the '.join(changed)} {'have' if len(changed) > 1 else 'has'} changed since"
        unsaid = [name for name in proved if name not in self.now]
        return f"the record does not say which {' and '.join(unsaid)} it checked" if unsaid else ""

    def cell(self, proved: Mapping[str, str]) -> str:
        """The same for a cell of a table."""
        why = self.stale(proved)
        return f"no: {why}" if why else "yes"
