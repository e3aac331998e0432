"""Similarity of vectors, and the losses that compare pairs and triplets of them.  Vectors lie along the last axis."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.classification import SIDES
from gradcheck.catalogue.losses import reduced
from gradcheck.catalogue.reductions import norm
from gradcheck.catalogue.regression import NONE, SUM
from gradcheck.claim import FIXED, REALS, Domain, Example, Kink, Operator, Witness
from gradcheck.records import Array


def cosine_similarity(x: Array, y: Array) -> Array:
    """The cosine of the angle between two vectors, neither of which is 0."""
    result: Array = np.sum(x * y, axis=-1) / (norm(x, axis=-1) * norm(y, axis=-1))
    return result


def cosine_embedding(x: Array, y: Array, side: Array, *, margin: float = 0.0, reduction: str = "mean") -> Array:
    """Pairs of side 1 shall point the same way; those of side -1 shall have a cosine of no more than the margin."""
    cosine = cosine_similarity(x, y)
    return reduced(np.where(side > 0, 1 - cosine, np.maximum(cosine - margin, 0)), reduction)


def triplet_margin(
    anchor: Array, positive: Array, negative: Array, *, margin: float = 1.0, reduction: str = "mean"
) -> Array:
    """The anchor shall be closer to the positive than to the negative, by the margin."""
    gap = norm(anchor - positive, axis=-1) - norm(anchor - negative, axis=-1)
    return reduced(np.maximum(gap + margin, 0), reduction)


def margin_ranking(x: Array, y: Array, side: Array, *, margin: float = 0.0, reduction: str = "mean") -> Array:
    """For side 1, x shall be larger than y by the margin; for side -1, y than x."""
    return reduced(np.maximum(margin - side.astype(x.real.dtype) * (x - y), 0), reduction)


SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-8, 100.0, -1e4)

SIMILARITY_EXAMPLES = (
    Example(((3,), (3,))),
    Example(((1,), (1,))),
    Example(((2, 3), (2, 3))),
    Example(((2, 1, 2), (3, 2))),
    Example(((2,), (0, 2))),
)

EMBEDDING_EXAMPLES = (
    Example(((4, 3), (4, 3), SIDES)),
    Example(((3,), (3,), np.array(-1))),
    Example(((4, 2), (4, 2), SIDES), {"margin": 0.5, **SUM}),
    Example(((4, 2), (4, 2), SIDES), {"margin": -0.9, **NONE}),
)

TRIPLET_EXAMPLES = (
    Example(((4, 3), (4, 3), (4, 3))),
    Example(((1,), (1,), (1,))),
    Example(((4, 2), (4, 2), (4, 2)), {"margin": 0.0, **SUM}),
    Example(((4, 2), (4, 2), (2,)), {"margin": 5.0, **NONE}),
)

RANKING_EXAMPLES = (
    Example(((4,), (4,), SIDES), {"margin": 0.5}),
    Example(((), (), np.array(-1))),
    Example(((4,), (4,), SIDES), {"margin": 1.0, **SUM}),
    Example(((2, 2), (2,), SIDES.reshape(2, 2)), {"margin": 0.5, **NONE}),
    Example(((4,), (4,), SIDES), NONE),
)

PAIRED = Domain((REALS, REALS, FIXED))
VECTORS = (np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[4.0, 3.0], [-2.0, 0.0]]))

COSINE_EMBEDDING_WITNESSES = (
    Witness((*VECTORS, np.array([1, 1])), np.array([0.04, 2.0]), "cosines 0.96 and -1", NONE),
    Witness((*VECTORS, np.array([-1, -1])), np.array(0.355), "0.71 / 2", {"margin": 0.25}),
)

TRIPLET_MARGIN_WITNESSES = (
    Witness((VECTORS[0], np.zeros((2, 2)), np.array([1.0, 0.0])), [6 - 20**0.5, 2.0], "5, 1; sqrt 20, 0", NONE),
)

MARGIN_RANKING_WITNESSES = (
    Witness(
        (np.array([3.0, 1.0]), np.array([1.0, 0.5]), np.array([-1, 1])),
        [2.5, 0.0],
        "exact",
        {"margin": 0.5, **NONE},
    ),
)

OPERATORS = (
    Operator(
        name="cosine_similarity",
        family="distances",
        signature="(...,n),(...,n)->(...)",
        definition=cosine_similarity,
        examples=SIMILARITY_EXAMPLES,
        formula="z = x . y / (|x| |y|)",
        citation="Manning, Raghavan, Schuetze, Introduction to Information Retrieval, equation 6.10",
        witnesses=(Witness(VECTORS, np.array([0.96, -1.0]), "24 / 25, and opposite"),),
        special=SPECIAL,  # where a vector is 0 there is no angle
    ),
    Operator(
        name="cosine_embedding",
        family="distances",
        signature="(...,n),(...,n),(...)->()",
        definition=cosine_embedding,
        examples=EMBEDDING_EXAMPLES,
        formula="loss = 1 - cos for the side 1, max(cos - margin, 0) for the side -1",
        citation="Hadsell, Chopra, LeCun, Dimensionality Reduction by an Invariant Mapping (CVPR 2006), section 2.1",
        witnesses=COSINE_EMBEDDING_WITNESSES,
        domain=PAIRED,
        kinks=(Kink("cos = margin, side -1", "any part, from 0 to 1, of the gradient of the cosine"),),
        special=SPECIAL,
    ),
    Operator(
        name="triplet_margin",
        family="distances",
        signature="(...,n),(...,n),(...,n)->()",
        definition=triplet_margin,
        examples=TRIPLET_EXAMPLES,
        formula="loss = max(|a - p| - |a - n| + margin, 0)",
        citation="Schroff, Kalenichenko, Philbin, FaceNet, arXiv:1503.03832, equation 3",
        witnesses=TRIPLET_MARGIN_WITNESSES,
        kinks=(
            Kink("a = p or a = n", "any vector of the unit ball"),
            Kink("the bracket is 0", "any part, from 0 to 1"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="margin_ranking",
        family="distances",
        signature="(...),(...),(...)->()",
        definition=margin_ranking,
        examples=RANKING_EXAMPLES,
        formula="loss = max(margin - s (x - y), 0), with the side s = 1 or -1",
        citation="Herbrich, Graepel, Obermayer, Large Margin Rank Boundaries (2000), section 7.3",
        witnesses=MARGIN_RANKING_WITNESSES,
        domain=PAIRED,
        kinks=(Kink("s (x - y) = margin", "any part, from 0 to 1, of (-s, s)"),),
        special=SPECIAL,
    ),
)
