"""JAX as a subject, eager or compiled: reverse mode by ``jax.vjp``."""

from __future__ import annotations

import contextlib
import functools
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradcheck.subjects import program_languages
from gradcheck.subjects.mapped import Function, active
from gradcheck.subjects.programs import Language
from gradcheck.subjects.protocol import Implementation


class Jax:
    """The functions of jax.numpy, jax.nn, jax.lax and jax.scipy, one operation after the other on the CPU."""

    name = "jax"
    _compiled = False

    def __init__(self) -> None:
        """Raises ImportError where jax is not installed."""
        import jax

        from gradcheck.subjects.jax_table import table

        self.version: str = jax.__version__
        self._table = table()

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The function of that name with its derivatives; None where JAX has none for these parameters."""
        function = self._table.function(operator, params)
        return None if function is None else self._made(function)

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Whether the function is there in this type."""
        return self._table.supports(operator, dtype)

    def language(self) -> Language:
        """Whole programs: see ``gradcheck.subjects.programs``."""
        return program_languages.jax_language(compiled=self._compiled)

    def _made(self, function: Function) -> Implementation:
        return Implementation(
            forward=lambda *inputs, **params: forward(function, inputs, params),
            vjp=lambda cotangent, *inputs, **params: vjp(function, cotangent, inputs, params),
        )


class JaxJit(Jax):
    """The same functions, each compiled as a whole by ``jax.jit`` for every shape and type."""

    name = "jax-jit"
    _compiled = True

    def _made(self, function: Function) -> Implementation:
        import jax

        @functools.cache
        def compiled(key: bytes) -> Any:  # a function that is made anew is compiled anew
            params, wanted = pickle.loads(key)
            if wanted is None:
                return jax.jit(functools.partial(function, **params))
            return jax.jit(functools.partial(_pull, function, params, wanted))

        def run(*inputs: Any, **params: Any) -> Any:
            with doubles():
                return arrays(compiled(pickle.dumps((params, None)))(*inputs))

        def pull(cotangent: Any, *inputs: Any, **params: Any) -> Any:
            with doubles():
                return arrays(compiled(pickle.dumps((params, active(inputs))))(cotangent, *inputs))

        return Implementation(forward=run, vjp=pull)


@contextlib.contextmanager
def doubles() -> Iterator[None]:
    """Double precision for the time of a call: whoever else uses JAX in this process keeps the setting of his own."""
    import jax

    with jax.enable_x64(True):
        yield


def arrays(value: Any) -> Any:
    """NumPy arrays of one's own, in the structure that is given."""
    return tuple(map(arrays, value)) if isinstance(value, (tuple, list)) else np.array(value)


def _pull(function: Function, params: Mapping[str, Any], wanted: tuple[int, ...], cotangent: Any, *inputs: Any) -> Any:
    import jax

    def of_wanted(*values: Any) -> Any:
        given = dict(zip(wanted, values, strict=True))
        return function(*(given.get(k, x) for k, x in enumerate(inputs)), **params)

    _, pull = jax.vjp(of_wanted, *(inputs[k] for k in wanted))
    # JAX takes the transpose where the adjoint is asked for: the same for real numbers, conjugate for complex ones.
    # What is real stays as it is, without an operation that would have to be compiled for each shape.
    adjoint = functools.partial(jax.tree_util.tree_map, lambda x: x.conj() if x.dtype.kind == "c" else x)
    return adjoint(pull(adjoint(cotangent)))


def _placed(tree: Any) -> Any:
    """JAX's arrays of NumPy's.  ``asarray``: ``array`` compiles a copy for each shape, and ``device_put`` takes half as long again."""
    import jax

    if isinstance(tree, (tuple, list)):
        return tuple(map(_placed, tree))
    return jax.numpy.asarray(np.asarray(tree))


def forward(function: Function, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """The value, as an array or a tuple of arrays."""
    with doubles():
        return arrays(function(*_placed(inputs), **params))


def vjp(function: Function, cotangent: Any, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """The gradients of the inputs of floating or complex type."""
    with doubles():
        return arrays(_pull(function, params, active(inputs), _placed(cotangent), *_placed(inputs)))
