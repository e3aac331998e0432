"""Is this hand-written backward pass right?  A network of one hidden layer, with a slip and without.

Run it with ``python examples/verify_mlp.py``.
"""

import numpy as np

import gradcheck


def cost(W1, b1, W2, b2, x, y):
    """Mean squared error of tanh(x W1 + b1) W2 + b2."""
    prediction = np.tanh(x @ W1 + b1) @ W2 + b2
    return ((prediction - y) ** 2).sum() / (2 * len(y))


def backward(cotangent, W1, b1, W2, b2, x, y):
    h = np.tanh(x @ W1 + b1)
    delta2 = cotangent * (h @ W2 + b2 - y) / len(y)
    # 1 - h**2 is right, though it loses digits where h is close to 1; the checker says so.
    delta1 = (delta2 @ W2.T) * (1 - h**2)
    return x.T @ delta1, delta1.sum(axis=0), h.T @ delta2, delta2.sum(axis=0)


def backward_with_a_slip(cotangent, W1, b1, W2, b2, x, y):
    dW1, db1, dW2, db2 = backward(cotangent, W1, b1, W2, b2, x, y)
    return dW1, db1 / len(y), dW2, db2  # the mean over the patterns is taken twice


rng = np.random.default_rng(0)
inputs = (
    rng.normal(size=(2, 3)),
    rng.normal(size=3),
    rng.normal(size=(3, 1)),
    rng.normal(size=1),
    rng.normal(size=(5, 2)),
    rng.normal(size=(5, 1)),
)

if __name__ == "__main__":
    for vjp in (backward, backward_with_a_slip):
        print(gradcheck.check(cost, vjp, inputs, wrt=("W1", "b1", "W2", "b2"), seed=0), end="\n\n")
