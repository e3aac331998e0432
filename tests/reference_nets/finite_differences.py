"""A central difference in 60 digits, with the bound that its own second step gives it.

D(h) = (f(h) - f(-h)) / 2h = f'(0) + h^2 f'''(0) / 6 + O(h^4), so D(2h) - D(h) = 3 h^2 f'''(0) / 6 + O(h^4) is three
times the error of D(h); the bound takes all of it, a safety factor of 3.  With h = 1e-15 the O(h^4) is 1e-60 and
rounding is about 10^-60 |f| / h = 1e-45 |f|, far below h^2 = 1e-30; 1e-42 (1 + |f|) is allowed for it, a thousand
roundings.
"""

from __future__ import annotations

import mpmath
import numpy as np

DIGITS = 60
to_mp = np.frompyfunc(mpmath.mpf, 1, 1)
mp_exp = np.frompyfunc(mpmath.exp, 1, 1)
mp_log = np.frompyfunc(mpmath.log, 1, 1)
mp_tanh = np.frompyfunc(mpmath.tanh, 1, 1)
mp_sin = np.frompyfunc(mpmath.sin, 1, 1)
mp_cos = np.frompyfunc(mpmath.cos, 1, 1)


def central_difference(f):
    """(f'(0), bound) of a real function of one mpf, to be called under ``mpmath.workdps(DIGITS)``."""
    h = mpmath.mpf(10) ** -15
    near, far = ((f(k * h) - f(-k * h)) / (2 * k * h) for k in (1, 2))
    return near, abs(far - near) + mpmath.mpf(10) ** -42 * (1 + abs(f(0 * h)))
