"""Selection of entries, by index or by mask."""

from __future__ import annotations

import numpy as np

from gradcheck.claim import FIXED, REALS, Domain, Example, Operator, Witness
from gradcheck.records import Array


def take(x: Array, indices: Array, *, axis: int | None = None) -> Array:
    """Entries of ``x`` along the axis (of the flattened array without one); an index may occur often or never."""
    return np.take(x, indices, axis=axis)


def slice_along(x: Array, *, start: int | None, stop: int | None, step: int = 1, axis: int = 0) -> Array:
    """Every ``step``-th entry of the axis from ``start`` until before ``stop``; backwards if the step is negative."""
    places = range(x.shape[axis])[slice(start, stop, step)]
    return np.take(x, np.array(places, dtype=np.intp), axis=axis)


def gather(x: Array, indices: Array, *, axis: int) -> Array:
    """One index for each entry of the result; elsewhere its own position is kept (``take_along_axis``)."""
    return np.take_along_axis(x, indices, axis=axis)


def scatter(x: Array, indices: Array, values: Array, *, axis: int) -> Array:
    """A copy of ``x`` with the values put at the indices, which are distinct along the axis (``put_along_axis``)."""
    result = np.array(x, dtype=np.result_type(x, values), subok=True)
    np.put_along_axis(result, indices, values, axis=axis)
    return result


def scatter_add(x: Array, indices: Array, values: Array) -> Array:
    """A copy of ``x`` with ``values[k]`` added at ``indices[k]`` of the first axis; an index may occur often or never."""
    result = np.array(x, dtype=np.result_type(x, values), subok=True)
    for index, value in zip(indices, values, strict=True):
        result[index] = result[index] + value
    return result


def index_put(x: Array, rows: Array, columns: Array, values: Array) -> Array:
    """A copy of ``x`` with ``values[k]`` at row ``rows[k]``, column ``columns[k]``; no place occurs twice."""
    result = np.array(x, dtype=np.result_type(x, values), subok=True)
    result[rows, columns] = values
    return result


def embedding(weights: Array, indices: Array, *, padding_index: int | None = None) -> Array:
    """Row ``i`` of the weights for each index ``i``; zeros for the padding index, whatever its row holds."""
    padding = np.zeros(indices.shape, dtype=bool) if padding_index is None else indices == padding_index
    return np.where(padding[..., None], 0, np.take(weights, indices, axis=0))


def masked_fill(x: Array, mask: Array, *, value: float) -> Array:
    """``value`` where the mask holds, ``x`` elsewhere; the mask is broadcast to ``x``."""
    return np.where(mask, value, x)


def compress(x: Array, mask: Array) -> Array:
    """The entries at which the mask holds, in order; it covers the first axes of ``x``."""
    return x[mask]


def pick(x: Array, labels: Array) -> Array:
    """The entry of each row that its label names: the row's inner product with a one-hot vector."""
    return np.take_along_axis(x, labels[..., None], axis=-1)[..., 0]


TAKE_EXAMPLES = (
    Example(((5,), np.array([0, 2, 2, 4, 2]))),
    Example(((5,), np.array(-1))),
    Example(((4,), np.array([], dtype=np.int64))),
    Example(((3, 4), np.array([[11, 0], [0, -1]]))),
    Example(((3, 4), np.array([1, 1])), {"axis": 0}),
    Example(((2, 3), np.array([[0, -1, 2], [2, 2, 2]])), {"axis": -1}),
    Example(((2, 3, 2), np.array(1)), {"axis": 1}),
    Example(((2, 1, 3), np.array([0, 0, -1])), {"axis": 1}),
)

TAKE_WITNESSES = (
    Witness((np.array([10.0, 20.0, 30.0]), np.array([2, 0, -1, 2])), np.array([30.0, 10.0, 30.0, 30.0]), "exact"),
    Witness(
        (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1, 0])),
        np.array([[2.0, 2.0, 1.0], [4.0, 4.0, 3.0]]),
        "exact",
        {"axis": 1},
    ),
)

WHERE_EXAMPLES = (
    Example((np.array(True), (), ())),
    Example((np.array([True, False, True]), (3,), (3,))),
    Example((np.array([[True], [False]]), (3,), (2, 1))),
    Example((np.array([True, False]), (), (3, 2))),
    Example((np.array(False), (2, 3), (3,))),
    Example((np.array([False, False]), (1,), (2, 2))),
    Example((np.zeros((0, 2), dtype=bool), (2,), (1, 2))),
)

WHERE_WITNESSES = (
    Witness(
        (np.array([[True, False], [False, True]]), np.array([1.0, 2.0]), np.array(-3.0)),
        np.array([[1.0, -3.0], [-3.0, 2.0]]),
        "exact",
    ),
)

COUNTED = np.arange(1.0, 7.0).reshape(2, 3)

SLICE_EXAMPLES = (
    Example(((5,),), {"start": 1, "stop": 4}),
    Example(((7,),), {"start": 0, "stop": None, "step": 3}),
    Example(((2, 6),), {"start": None, "stop": None, "step": -2, "axis": 1}),
    Example(((4, 2),), {"start": -2, "stop": None}),
    Example(((2, 5),), {"start": 3, "stop": 0, "step": -1, "axis": -1}),
    Example(((3,),), {"start": 2, "stop": 3}),
    Example(((3,),), {"start": 1, "stop": 1}),
)

GATHER_EXAMPLES = (
    Example(((2, 3), np.array([[2, 0], [1, 1]])), {"axis": 1}),
    Example(((3, 2), np.array([[0, 2], [0, -1], [2, 0], [0, 0]])), {"axis": 0}),
    Example(((4,), np.array([3, 3, 3])), {"axis": 0}),
    Example(((2, 2, 3), np.array([[[-1], [0]], [[2], [2]]])), {"axis": -1}),
    Example(((1, 1), np.array([[0]])), {"axis": 1}),
    Example(((2, 2), np.zeros((2, 0), dtype=np.int64)), {"axis": 1}),
)

SCATTER_EXAMPLES = (
    Example(((2, 3), np.array([[2, 0], [1, 2]]), (2, 2)), {"axis": 1}),
    Example(((3, 2), np.array([[-1, 0]]), (1, 2)), {"axis": 0}),
    Example(((4,), np.array([3, 1, 0, 2]), (4,)), {"axis": -1}),
    Example(((1,), np.array([0]), (1,)), {"axis": 0}),
    Example(((3,), np.array([], dtype=np.int64), (0,)), {"axis": 0}),
)

SCATTER_ADD_EXAMPLES = (
    Example(((4,), np.array([0, 2, 2, 3, 2]), (5,))),
    Example(((3, 2), np.array([1, 1]), (2, 2))),
    Example(((2, 1, 2), np.array([-1, 0, 1]), (3, 1, 2))),
    Example(((1,), np.array([0, 0]), (2,))),
    Example(((3,), np.array([], dtype=np.int64), (0,))),
)

INDEX_PUT_EXAMPLES = (
    Example(((3, 3), np.array([0, 1, 2]), np.array([0, 1, 2]), (3,))),
    Example(((2, 4), np.array([1, 0, 1]), np.array([-1, 2, 0]), (3,))),
    Example(((3, 2), np.array([2]), np.array([1]), ())),
    Example(((2, 3), np.array([[0], [1]]), np.array([0, 2]), (2, 2))),
    Example(((1, 1), np.array([0]), np.array([0]), (1,))),
)

EMBEDDING_EXAMPLES = (
    Example(((4, 3), np.array([1, 3, 1]))),
    Example(((4, 2), np.array([[0, 2], [2, 1]])), {"padding_index": 0}),
    Example(((3, 2), np.array([2, 2, 2])), {"padding_index": 2}),
    Example(((5, 1), np.array(4))),
    Example(((2, 3), np.array([], dtype=np.int64))),
    Example(((3, 2), np.array([0, 2, 1, 2])), {"padding_index": 2}),
)

MASK = np.array([[True, False, False], [False, True, True]])

MASKED_FILL_EXAMPLES = (
    Example(((2, 3), MASK), {"value": 0.0}),
    Example(((2, 3), np.array([True, False, True])), {"value": -1e4}),
    Example(((2, 3), np.array([[False], [True]])), {"value": 1.0}),
    Example(((3,), np.array([True, True, True])), {"value": 2.0}),
    Example(((), np.array(False)), {"value": 2.0}),
    Example(((0, 3), np.zeros((0, 3), dtype=bool)), {"value": 2.0}),
)

COMPRESS_EXAMPLES = (
    Example(((2, 3), MASK)),
    Example(((3, 2), np.array([True, False, True]))),
    Example(((2, 3, 2), MASK)),
    Example(((4,), np.array([False, False, True, False]))),
    Example(((2,), np.array([False, False]))),
    Example(((2, 2), np.array([[True, True], [True, True]]))),
)

PICK_EXAMPLES = (
    Example(((3, 4), np.array([1, 3, 1]))),
    Example(((5,), np.array(2))),
    Example(((2, 2, 3), np.array([[0, 2], [1, -1]]))),
    Example(((2, 1), np.array([0, 0]))),
    Example(((0, 3), np.array([], dtype=np.int64))),
)

SCATTER_WITNESSES = (
    Witness(
        (COUNTED, np.array([[1, 0, 1]]), np.array([[7.0, 8.0, 9.0]])),
        np.array([[1.0, 8.0, 3.0], [7.0, 5.0, 9.0]]),
        "exact",
        {"axis": 0},
    ),
)

SCATTER_ADD_WITNESSES = (
    Witness(
        (np.array([10.0, 20.0]), np.array([1, 0, 1]), np.array([1.0, 2.0, 4.0])),
        np.array([12.0, 25.0]),
        "exact",
    ),
)

INDEX_PUT_WITNESSES = (
    Witness(
        (COUNTED, np.array([1, 0]), np.array([0, 2]), np.array([8.0, 9.0])),
        np.array([[1.0, 2.0, 9.0], [8.0, 5.0, 6.0]]),
        "exact",
    ),
)

EMBEDDING_WITNESSES = (
    Witness(
        (COUNTED, np.array([1, 0, 1])),
        np.array([COUNTED[1], [0.0, 0.0, 0.0], COUNTED[1]]),
        "exact",
        {"padding_index": 0},
    ),
)

OPERATORS = (
    Operator(
        name="take",
        family="indexing",
        signature="(n),(k)->(k)",
        definition=take,
        examples=TAKE_EXAMPLES,
        formula="y_k = x_(i_k)",
        citation="Iverson, A Programming Language (1962), chapter 1",
        witnesses=TAKE_WITNESSES,
        domain=Domain((REALS, FIXED)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="where",
        family="indexing",
        signature="(...),(...),(...)->(...)",
        definition=np.where,
        examples=WHERE_EXAMPLES,
        formula="z = x where the condition holds, else y",
        citation="Iverson, A Programming Language (1962), chapter 1",
        witnesses=WHERE_WITNESSES,
        domain=Domain((FIXED, REALS, REALS)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="slice",
        family="indexing",
        signature="(...,n,...)->(...,m,...)",
        definition=slice_along,
        examples=SLICE_EXAMPLES,
        formula="y_k = x_(start + k step) along the axis",
        citation="Iverson, A Programming Language (1962), chapter 1",
        witnesses=(
            Witness((np.arange(7.0),), np.array([1.0, 3.0, 5.0]), "odd numbers", {"start": 1, "stop": 7, "step": 2}),
            Witness((COUNTED,), COUNTED[::-1], "exact", {"start": None, "stop": None, "step": -1}),
        ),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="gather",
        family="indexing",
        signature="(...,n,...),(...,k,...)->(...,k,...)",
        definition=gather,
        examples=GATHER_EXAMPLES,
        formula="y_(i, k) = x_(i, index_(i, k)) along the axis",
        citation="Blelloch, Vector Models for Data-Parallel Computing (1990), section 4.1.3",
        witnesses=(
            Witness((COUNTED, np.array([[2, 2], [0, -1]])), np.array([[3.0, 3.0], [4.0, 6.0]]), "exact", {"axis": 1}),
        ),
        domain=Domain((REALS, FIXED)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="scatter",
        family="indexing",
        signature="(...,n,...),(...,k,...),(...,k,...)->(...,n,...)",
        definition=scatter,
        examples=SCATTER_EXAMPLES,
        formula="y = x but for y_(i, index_(i, k)) = v_(i, k) along the axis",
        citation="Blelloch, Vector Models for Data-Parallel Computing (1990), section 4.1.3",
        witnesses=SCATTER_WITNESSES,
        domain=Domain((REALS, FIXED, REALS)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="scatter_add",
        family="indexing",
        signature="(n,...),(k),(k,...)->(n,...)",
        definition=scatter_add,
        examples=SCATTER_ADD_EXAMPLES,
        formula="y_i = x_i + sum of v_k over all k whose index is i",
        citation="Blelloch, Vector Models for Data-Parallel Computing (1990), section 4.1.3",
        witnesses=SCATTER_ADD_WITNESSES,
        domain=Domain((REALS, FIXED, REALS)),
        special=(0.0, 1.0, -1.0, 1e4),
    ),
    Operator(
        name="index_put",
        family="indexing",
        signature="(m,n),(k),(k),(k)->(m,n)",
        definition=index_put,
        examples=INDEX_PUT_EXAMPLES,
        formula="y = x but for y_(r_k, c_k) = v_k",
        citation="Iverson, A Programming Language (1962), chapter 1",
        witnesses=INDEX_PUT_WITNESSES,
        domain=Domain((REALS, FIXED, FIXED, REALS)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="embedding",
        family="indexing",
        signature="(n,d),(...)->(...,d)",
        definition=embedding,
        examples=EMBEDDING_EXAMPLES,
        formula="y_k = row i_k of the weights, 0 where i_k is the padding index",
        citation="Bengio et al., A Neural Probabilistic Language Model, JMLR 3 (2003), section 2",
        witnesses=EMBEDDING_WITNESSES,
        domain=Domain((REALS, FIXED)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="masked_fill",
        family="indexing",
        signature="(...),(...)->(...)",
        definition=masked_fill,
        examples=MASKED_FILL_EXAMPLES,
        formula="y = value where the mask holds, else x",
        citation="Vaswani et al., Attention Is All You Need, arXiv:1706.03762, section 3.2.3",
        witnesses=(
            Witness((COUNTED, MASK), np.array([[-9.0, 2.0, 3.0], [4.0, -9.0, -9.0]]), "exact", {"value": -9.0}),
        ),
        domain=Domain((REALS, FIXED)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="compress",
        family="indexing",
        signature="(...),(...)->(k,...)",
        definition=compress,
        examples=COMPRESS_EXAMPLES,
        formula="y = the entries of x at which the mask holds, in order",
        citation="Iverson, A Programming Language (1962), section 1.8",
        witnesses=(Witness((COUNTED, MASK), np.array([1.0, 5.0, 6.0]), "exact"),),
        domain=Domain((REALS, FIXED)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="pick",
        family="indexing",
        signature="(...,n),(...)->(...)",
        definition=pick,
        examples=PICK_EXAMPLES,
        formula="y_i = x_(i, label_i) = sum_j x_ij onehot(label_i)_j",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 6.2.2.3",
        witnesses=(Witness((COUNTED, np.array([2, 0])), np.array([3.0, 4.0]), "exact"),),
        domain=Domain((REALS, FIXED)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
)
