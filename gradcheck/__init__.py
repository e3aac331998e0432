"""gradcheck: is this the derivative of that, and how do you know?

The names below are the public face.  Each is imported when it is first used, so that an idle pytest plugin costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcheck.claim import FIXED as FIXED
    from gradcheck.claim import NONNEGATIVE as NONNEGATIVE
    from gradcheck.claim import POSITIVE as POSITIVE
    from gradcheck.claim import POSITIVE_DEFINITE as POSITIVE_DEFINITE
    from gradcheck.claim import REALS as REALS
    from gradcheck.claim import SIMPLEX as SIMPLEX
    from gradcheck.claim import SYMMETRIC as SYMMETRIC
    from gradcheck.claim import Domain as Domain
    from gradcheck.claim import interval as interval
    from gradcheck.engine.check import assert_gradients as assert_gradients
    from gradcheck.engine.check import check as check
    from gradcheck.engine.check import check_grad as check_grad
    from gradcheck.engine.result import Result as Result
    from gradcheck.engine.verify import verify as verify
    from gradcheck.errors import GradientError as GradientError
    from gradcheck.errors import UsageError as UsageError
    from gradcheck.records import Finding as Finding
    from gradcheck.records import Severity as Severity
    from gradcheck.records import Status as Status
    from gradcheck.records import Verdict as Verdict

__version__ = "0.1.0"

_HOMES = {
    "gradcheck.claim": "FIXED NONNEGATIVE POSITIVE POSITIVE_DEFINITE REALS SIMPLEX SYMMETRIC Domain interval",
    "gradcheck.engine.check": "assert_gradients check check_grad",
    "gradcheck.engine.result": "Result",
    "gradcheck.engine.verify": "verify",
    "gradcheck.errors": "GradientError UsageError",
    "gradcheck.records": "Finding Severity Status Verdict",
}
__all__ = sorted(name for names in _HOMES.values() for name in names.split())


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module 'gradcheck' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
