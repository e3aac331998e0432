"""gradcheck: is this the derivative of that, and how do you know?"""

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
