"""Settings for every test: Hypothesis prints how to repeat a failure, and slow machines are no reason to fail.

A shell that starts the tests in the background has them ignore the interrupt from the keyboard, which some of them send.
"""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "gradcheck",
    print_blob=True,
    deadline=None,  # two processors under load are slow, and that is not what is tested
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gradcheck")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
