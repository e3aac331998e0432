"""WHO is tested: adapters that put an implementation behind one protocol."""

from __future__ import annotations

import importlib

from gradcheck.errors import UsageError
from gradcheck.subjects.protocol import Subject

_KNOWN = {
    "autograd": "gradcheck.subjects.hips_autograd:HipsAutograd",
    "reference": "gradcheck.subjects.reference:ReferenceSubject",
}
"""Adapters that come with the package, by the name under which a run asks for them."""


def known() -> tuple[str, ...]:
    """Names that ``load`` understands, besides ``package.module:object``."""
    return tuple(sorted(_KNOWN))


def load(name: str) -> Subject:
    """The subject of that name, or the one that ``package.module:object`` names (a class is called without arguments).

    Whatever cannot be loaded is a ``UsageError`` that says what to do about it.
    """
    target = _KNOWN.get(name, name)
    module_name, colon, attribute = target.partition(":")
    if not (module_name and colon and attribute):
        raise UsageError(f"unknown subject {name!r}; it is one of {', '.join(known())}, or package.module:object")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
        subject = found() if isinstance(found, type) else found
    except ImportError as error:
        mend = f"pip install gradcheck[{name}]" if name in _KNOWN else "check that it can be imported from here"
        raise UsageError(f"subject {name!r} cannot be imported ({error}); {mend}") from error
    except AttributeError as error:
        raise UsageError(f"subject {name!r}: {error}") from error
    except TypeError as error:
        raise UsageError(f"subject {name!r} cannot be made without arguments ({error}); name an instance") from error
    if not isinstance(subject, Subject):
        raise UsageError(
            f"{name!r} is no subject: it needs name, version, implementation(operator, params) and supports"
        )
    return subject
