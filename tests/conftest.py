"""Settings for every test: Hypothesis prints how to repeat a failure, and slow machines are no reason to fail."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "gradcheck",
    print_blob=True,
    deadline=None,  # two processors under load are slow, and that is not what is tested
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gradcheck")
