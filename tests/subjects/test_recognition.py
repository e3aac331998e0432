"""``check`` sees by itself what it is given, and says so; a wrong derivative is refused in every form."""

import subprocess
import sys

import numpy as np
import pytest

import gradcheck

X = np.array([0.5, -1.25, 2.0])


def test_a_pair_and_an_object_are_named():
    assert gradcheck.check(lambda x: x * x, lambda g, x: 2 * g * x, X).recognised == "pair of functions"

    class Square:
        def forward(self, x):
            self.x = x
            return x * x

        def backward(self, g):
            return 2 * g * self.x

    assert gradcheck.check(Square(), None, X).recognised == "object with forward and backward"


@pytest.mark.parametrize(("factor", "ok"), [(2.0, True), (3.0, False)])
def test_torch_function(factor, ok):
    torch = pytest.importorskip("torch")

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return factor * g * x

    result = gradcheck.check(Square, None, X)
    assert result.ok == ok and result.recognised == "PyTorch autograd.Function"


def test_torch_module():
    torch = pytest.importorskip("torch")
    result = gradcheck.check(torch.nn.Softplus(), None, X)
    assert result.ok and result.recognised.startswith("PyTorch nn.Module")


@pytest.mark.parametrize(("factor", "ok"), [(2.0, True), (3.0, False)])
def test_jax_custom_vjp(factor, ok):
    jax = pytest.importorskip("jax")

    @jax.custom_vjp
    def square(x):
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, g: (factor * g * x,))
    result = gradcheck.check(square, None, X)
    assert result.ok == ok and result.recognised == "JAX function"


def test_plain_functions_of_jax_and_autograd():
    jnp = pytest.importorskip("jax.numpy")
    anp = pytest.importorskip("autograd.numpy")
    of_jax = gradcheck.check(lambda x: jnp.sin(x) * x, None, X)
    of_autograd = gradcheck.check(lambda x: anp.sin(x) * x, None, X)
    assert of_jax.ok and of_jax.recognised == "JAX function"
    assert of_autograd.ok and of_autograd.recognised == "autograd function"


def test_a_function_of_no_framework_needs_its_vjp():
    with pytest.raises(gradcheck.UsageError, match="vjp"):
        gradcheck.check(lambda x: x * x, None, X)


def test_nothing_is_imported_to_find_out():
    text = (
        "import sys, numpy, gradcheck; gradcheck.check(lambda x: x * x, lambda g, x: 2 * g * x, numpy.ones(2)); "
        "print({'torch', 'jax', 'autograd'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
