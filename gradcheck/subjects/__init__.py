"""WHO is tested: adapters that put an implementation behind one protocol."""

from __future__ import annotations

import difflib
import functools
import importlib
from importlib import metadata

from gradcheck.errors import UsageError
from gradcheck.subjects.protocol import Subject

GROUP = "gradcheck.subjects"
"""Entry points of this group are subjects: of other packages, and those that come with this one."""

_OWN = {
    "autograd": "gradcheck.subjects.hips_autograd:HipsAutograd",
    "jax": "gradcheck.subjects.jax_backend:Jax",
    "jax-jit": "gradcheck.subjects.jax_backend:JaxJit",
    "micrograd": "gradcheck.subjects.micrograd_backend:Micrograd",
    "mygrad": "gradcheck.subjects.mygrad_backend:MyGrad",
    "reference": "gradcheck.subjects.reference:ReferenceSubject",
    "tinygrad": "gradcheck.subjects.tinygrad_backend:TinyGrad",
    "torch": "gradcheck.subjects.torch_backend:Torch",
}
"""Adapters that come with the package, by the name under which a run asks for them; nobody else can take these names."""


def _known() -> dict[str, str]:
    """Name to ``package.module:object``; looks at what is installed now, and imports nothing of it."""
    return {**{point.name: point.value for point in metadata.entry_points(group=GROUP)}, **_OWN}


def known() -> tuple[str, ...]:
    """Names that ``load`` understands, besides ``package.module:object``."""
    return tuple(sorted(_known()))


def load(name: str) -> Subject:
    """The subject of that name, or the one that ``package.module:object`` names (a class is called without arguments).

    Whatever cannot be loaded is a ``UsageError`` that says what to do about it.
    """
    if name.startswith("peer:"):
        from gradcheck.subjects.peers import configured

        return configured(name.removeprefix("peer:"))
    if name.startswith("isolated:"):
        from gradcheck.subjects.peers import isolated

        return isolated(name.removeprefix("isolated:"))
    target = _OWN.get(name) or _known().get(name, name)
    module_name, colon, attribute = target.partition(":")
    if not (module_name and colon and attribute):
        raise UsageError(f"unknown subject {name!r}; it is one of {', '.join(known())}, or package.module:object")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        mend = (
            f"pip install gradcheck[{name.split('-')[0]}]"
            if name in _OWN
            else "check that it can be imported from here"
        )
        raise UsageError(f"subject {name!r} cannot be imported ({error}); {mend}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"subject {name!r}: importing {module_name} raises {_said(error)}; import it yourself and mend that first"
        ) from error
    try:
        found = functools.reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        raise UsageError(f"subject {name!r}: {error}{_closest(attribute, module)}") from error
    try:
        subject = found() if isinstance(found, type) else found
    except ImportError as error:
        mend = f"pip install gradcheck[{name.split('-')[0]}]" if name in _OWN else "install what it needs"
        raise UsageError(f"subject {name!r} cannot be imported ({error}); {mend}") from error
    except TypeError as error:
        raise UsageError(f"subject {name!r} cannot be made without arguments ({error}); name an instance") from error
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"subject {name!r}: making it raises {_said(error)}; mend that, or name an instance"
        ) from error
    return refuse(subject, repr(name))


def refuse(subject: object, what: str) -> Subject:
    """The subject itself, if it keeps the protocol; else a ``UsageError`` that begins with ``what``."""
    if not isinstance(subject, Subject):
        raise UsageError(f"{what} is no subject: it needs name, version, implementation(operator, params) and supports")
    for field in ("name", "version"):
        value = getattr(subject, field)
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{what}: its {field} is {value!r}; it must be a string that is not empty")
    for method in ("implementation", "supports"):
        if not callable(getattr(subject, method)):
            raise UsageError(f"{what}: its {method} is no method; see gradcheck.subjects.protocol.Subject")
    return subject


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # its own text raises
        return type(error).__name__


def _closest(attribute: str, module: object) -> str:
    near = difflib.get_close_matches(attribute, dir(module), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
