"""The array that a traced text computes with: an ndarray whose memory holds places of the tape.

The memory has a dtype of two fields, for which NumPy has neither arithmetic nor a cast to numbers: what we do not handle raises, it never
turns into plain floats.  Views, slices, transposes and writing into buffers are NumPy's own and cost nothing here.  Everything that
computes arrives at ``__array_ufunc__`` or ``__array_function__`` and is looked up in ``UFUNCS`` or ``FUNCTIONS``; what is in neither is
refused by name.  Where no operand depends on an input, NumPy computes with the plain numbers: those are constants of the text, which are
what float64 makes of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradcheck.numbers.errors import NumbersError, Untraceable
from gradcheck.numbers.field import Ids
from gradcheck.numbers.tape import Tape

PLACE = np.dtype([("id", "i8"), ("tape", "i8")])
"""A place and the serial number of its tape; (0, 0), which is zeroed memory, is the number zero on every tape."""

FLOAT = np.dtype(np.float64)

UNITS = {"float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Unit roundoffs of narrower types."""

UFUNCS: dict[str, Callable[..., Any]] = {}
"""Ufuncs by name: a function of places that returns a ``Traced``, or a plain array of bools or integers."""

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""NumPy's (and SciPy's) functions: what is called in their stead."""

VIEWS: set[Any] = set()
"""NumPy's functions that only look at memory in another way: they run as they are."""


class State:
    """The trace that is running: one at a time in a process, in one thread.  ``depth`` > 0: inside our own code."""

    tape: Tape | None = None
    thread = 0
    depth = 0

    def outside(self) -> bool:
        """Whether the caller is the text itself, while it is traced."""
        return self.tape is not None and self.depth == 0 and self.thread == threading.get_ident()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Our own code runs: the creators make plain arrays again."""
        self.depth += 1
        try:
            yield
        except NumbersError as error:
            if self.tape is not None and self.tape.stopped is None:
                self.tape.stopped = error
            raise
        finally:
            self.depth -= 1


STATE = State()


def tape(call: str) -> Tape:
    """The tape that is being written."""
    if STATE.tape is None:
        raise Untraceable(call, "a traced array outlived its trace: the text keeps it in a variable of its own")
    return STATE.tape


def wrap(ids: Ids | int) -> Traced:
    """The array whose entries are these places."""
    memory = np.empty(np.shape(ids), PLACE)
    memory["id"] = ids
    memory["tape"] = tape("wrap").serial
    return memory.view(Traced)


def constants(values: Any) -> Traced:
    """The array of these numbers."""
    return wrap(lift(np.asarray(values), "a constant"))


def places(x: Traced, call: str) -> Ids:
    """The places in an array's memory, on the tape that is being written."""
    memory = np.ndarray.view(x, np.ndarray)
    serials = memory["tape"]
    if np.any((serials != tape(call).serial) & (serials != 0)):
        raise Untraceable(call, "an array of an earlier trace is used again: the text keeps a state between its calls")
    return np.asarray(memory["id"])


def traced_within(x: Any) -> bool:
    """Whether an argument, list or tuple holds a traced array."""
    return isinstance(x, Traced) or (isinstance(x, list | tuple) and any(traced_within(v) for v in x))


def lift(x: Any, call: str) -> Ids:
    """Places for an argument: its own if it is traced, else constants, exactly."""
    if isinstance(x, Traced):
        return places(x, call)
    if isinstance(x, list | tuple) and traced_within(x):
        return np.stack([lift(v, call) for v in x])
    plain = np.asarray(x)
    if plain.dtype.kind == "O":
        if all(isinstance(v, Traced | int | float) for v in plain.flat):
            return np.array([lift(v, call) for v in plain.flat], np.int64).reshape(plain.shape)
        raise Untraceable(call, f"{type(x).__name__} of Python objects is no array of real numbers")
    if plain.dtype.kind not in "biuf" and plain.dtype.name != "bfloat16":
        raise Untraceable(call, f"an array of {plain.dtype} among its arguments is not one of real numbers")
    values = plain.astype(np.float64)
    if plain.dtype.kind in "iu" or plain.dtype.itemsize > 8:
        if np.any(values.astype(plain.dtype) != plain):
            raise Untraceable(call, f"a number of type {plain.dtype} has more than 53 bits")
    return tape(call).constants(values)


def moving(ids: Ids) -> bool:
    """Whether any of the places depends on an input."""
    return bool(tape("a constant").active[ids].any())


def demoted(x: Any) -> Any:
    """The argument with traced constants as plain float64 arrays, also within lists, tuples and dicts."""
    if isinstance(x, Traced):
        return tape("a constant").floats[places(x, "a constant")]
    if isinstance(x, list | tuple):
        return type(x)(demoted(v) for v in x) if type(x) in (list, tuple) else x
    if isinstance(x, dict):
        return {key: demoted(v) for key, v in x.items()}
    return x


def depends(x: Any) -> bool:
    """Whether any traced array within an argument depends on an input."""
    if isinstance(x, Traced):
        return moving(places(x, "a call"))
    if isinstance(x, list | tuple):
        return any(depends(v) for v in x)
    return isinstance(x, dict) and any(depends(v) for v in x.values())


def promoted(x: Any) -> Any:
    """What NumPy made of constants: arrays of floats become able to hold traced numbers."""
    if isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f":
        return constants(x)
    if type(x) in (list, tuple):
        return type(x)(promoted(v) for v in x)
    return x


def write(out: Any, index: Any, value: Any, call: str) -> None:
    """``out[index] = value`` for an array that the text made or was given."""
    if not traced_within(value):
        out[index] = value
    elif isinstance(out, Traced):
        np.ndarray.__setitem__(out, index, np.ndarray.view(wrap(lift(value, call)), np.ndarray))
    elif not depends(value):
        out[index] = demoted(value)
    else:
        raise Untraceable(
            call, "a plain array, made before the trace or by a function that is not traced, is to hold the result"
        )


def refusal(name: str) -> Callable[..., Any]:
    """A method that has no traced meaning."""

    def refuse(self: Traced, *args: Any, **kwargs: Any) -> Any:
        with STATE.inside():
            if depends(self):
                raise Untraceable(f"ndarray.{name}", "it leaves the traced arithmetic")
            return promoted(getattr(demoted(self), name)(*args, **kwargs))

    return refuse


class Traced(np.ndarray[Any, Any]):
    """Looks like an array of float64."""

    __slots__ = ()
    __hash__ = None
    __array_priority__ = 1000.0

    @property
    def dtype(self) -> np.dtype[np.float64]:
        """What the text is to see."""
        return FLOAT

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from gradcheck.numbers.dispatch import ufunc_call

        with STATE.inside():
            return ufunc_call(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from gradcheck.numbers.dispatch import function_call

        with STATE.inside():
            if func in VIEWS:
                return super().__array_function__(func, types, args, kwargs)
            return function_call(func, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            raise IndexError("only integers, slices, ellipsis, newaxis and integer or boolean arrays are valid indices")
        part = super().__getitem__(index)
        if isinstance(part, np.void):
            scalar = np.empty((), PLACE)
            scalar[()] = part
            return scalar.view(Traced)
        return part

    def __setitem__(self, index: Any, value: Any) -> None:
        with STATE.inside():
            ids = lift(value, "ndarray.__setitem__")
            super().__setitem__(index, np.ndarray.view(wrap(ids), np.ndarray))

    def __eq__(self, other: object) -> Any:
        equal: Any = np.equal
        return equal(self, other)

    def __ne__(self, other: object) -> Any:
        differs: Any = np.not_equal
        return differs(self, other)

    def _only(self, call: str) -> Any:
        if self.size != 1:
            raise TypeError("only arrays of one element can be converted to a scalar")
        return self.reshape(())

    def __bool__(self) -> bool:
        with STATE.inside():
            return bool((self._only("bool()") != 0).item())

    def __float__(self) -> float:
        with STATE.inside():
            ids = places(self._only("float()"), "float()")
            if moving(ids):
                raise Untraceable("float()", "a number that depends on the inputs is to become a plain float")
            return float(tape("float()").floats[ids])

    def __int__(self) -> int:
        with STATE.inside():
            return int(np.trunc(self._only("int()")).__float__())

    def __complex__(self) -> complex:
        raise Untraceable("complex()", "complex numbers are not traced")

    def __index__(self) -> int:
        raise TypeError("only integer scalar arrays can be converted to a scalar index")

    def __round__(self, ndigits: int | None = None) -> Any:
        rounded = np.round(self._only("round()"), ndigits or 0)
        return int(rounded) if ndigits is None else rounded

    def __trunc__(self) -> int:
        return int(self)

    def __floor__(self) -> int:
        return int(np.floor(self))

    def __ceil__(self) -> int:
        return int(np.ceil(self))

    def __divmod__(self, other: Any) -> Any:
        return np.floor_divide(self, other), np.remainder(self, other)

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def _shown(self) -> Any:
        with STATE.inside():
            return tape("str()").show(places(self, "str()"))

    def __repr__(self) -> str:
        return "outlived its trace" if STATE.tape is None else f"traced {self._shown()}"

    def __str__(self) -> str:
        return "outlived its trace" if STATE.tape is None else str(self._shown())

    def __format__(self, form: str) -> str:
        shown = self._shown()
        return format(float(shown) if shown.ndim == 0 else shown, form)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce__(self) -> Any:
        raise Untraceable("pickle", "a traced array cannot leave its process")

    @property
    def flat(self) -> Any:
        """The entries in a row; a view, so that writing to it writes here."""
        row = self.reshape(-1)
        if not np.shares_memory(np.ndarray.view(row, np.ndarray), np.ndarray.view(self, np.ndarray)) and self.size:
            raise Untraceable("ndarray.flat", "the array is not contiguous")
        return row

    @property  # type: ignore[misc]  # read-only here
    def real(self) -> Any:
        """Itself."""
        return self

    @property  # type: ignore[misc]  # read-only here
    def imag(self) -> Any:
        """Zeros."""
        return np.zeros_like(self)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Floats of any width denote the same real number; integers and bools are decided."""
        with STATE.inside():
            return cast(self, dtype, copy=bool(kwargs.get("copy", True)))

    def item(self, *index: Any) -> Any:
        """One entry, still traced."""
        return (
            self.flat[index[0] if len(index) == 1 and not isinstance(index[0], tuple) else index]
            if index
            else self._only("item")
        )

    def tolist(self) -> Any:
        """Nested lists of single entries."""
        return [row.tolist() for row in self] if self.ndim else self

    def fill(self, value: Any) -> None:
        """Writes one number everywhere."""
        self[...] = value

    def dot(self, b: Any, out: Any = None) -> Any:
        """As NumPy's function."""
        return np.dot(self, b) if out is None else np.dot(self, b, out=out)

    def view(self, *args: Any, **kwargs: Any) -> Any:
        """Of the same numbers only."""
        kinds = [*args, *kwargs.values()]
        if all(kind is Traced or kind is np.ndarray or kind in (FLOAT, np.float64, float) for kind in kinds):
            return super().view(Traced)
        raise Untraceable("ndarray.view", "the bits of a number are no real function of it")

    @property
    def data(self) -> Any:
        """Refused: memory holds no numbers."""
        raise Untraceable("ndarray.data", "the bits of a number are no real function of it")

    @property
    def ctypes(self) -> Any:
        """Refused: memory holds no numbers."""
        raise Untraceable("ndarray.ctypes", "compiled code cannot be traced")

    @property
    def __array_interface__(self) -> Any:
        raise Untraceable("__array_interface__", "compiled code cannot be traced")

    @property
    def __array_struct__(self) -> Any:
        raise Untraceable("__array_struct__", "compiled code cannot be traced")


def cast(x: Traced, dtype: Any, *, copy: bool) -> Any:
    """``astype``: the identity among floats, noted where digits would be lost."""
    if dtype is None:
        kind, name = "f", "float64"
    else:
        wanted = np.dtype(dtype)
        kind, name = wanted.kind, wanted.name
    if kind == "f" or name == "bfloat16":
        if name != "float64":
            running = tape("ndarray.astype")
            running.notes.append(f"a cast to {name} denotes the same real number")
            running.unit = max(running.unit, UNITS.get(name, 0.0))
        return x.copy() if copy else x
    if kind in "iu":
        return np.asarray(demoted(np.trunc(x))).astype(dtype)
    if kind == "b":
        return x != 0
    raise Untraceable("ndarray.astype", f"{name} is not a type of real numbers")


def _method(name: str) -> Callable[..., Any]:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return getattr(np, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    *("sum", "prod", "mean", "std", "var", "max", "min", "argmax", "argmin", "ptp", "all", "any", "cumsum", "cumprod"),
    *("clip", "round", "trace", "nonzero", "compress", "take", "put", "repeat", "argsort", "searchsorted", "choose"),
    *("argpartition",),
):
    setattr(Traced, _name, _method(_name))
for _name in ("byteswap", "dump", "dumps", "tobytes", "tofile", "to_device", "setfield", "getfield", "newbyteorder"):
    setattr(Traced, _name, refusal(_name))


def _sorted_in_place(self: Traced, axis: int = -1, kind: Any = None, order: Any = None, **_: Any) -> None:
    self[...] = np.sort(self, axis=axis)


def _partitioned_in_place(self: Traced, kth: Any, axis: int = -1, **_: Any) -> None:
    self[...] = np.sort(self, axis=axis)


def _itself(self: Traced) -> Any:
    return self.copy()


Traced.sort = _sorted_in_place  # type: ignore[method-assign,assignment]  # ndarray's is C
Traced.partition = _partitioned_in_place  # type: ignore[method-assign,assignment]  # ndarray's is C
Traced.conj = Traced.conjugate = _itself  # type: ignore[method-assign,assignment]  # numbers are real
