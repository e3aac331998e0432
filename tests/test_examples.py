"""The examples run as they stand, and say what their texts promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def output_of(name: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, f"examples/{name}"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_verify_mlp() -> None:
    right, wrong = output_of("verify_mlp.py").split("\n\n")[:2]
    assert right.startswith("PASS  cost")
    assert wrong.startswith("FAIL  cost : b1") and "in backward_with_a_slip" in wrong
