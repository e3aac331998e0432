"""All meta-tests in one table, checked for being a table of pairs."""

from __future__ import annotations

import importlib
import importlib.util

from tests.meta.case import Case

MODULES = (
    "values",
    "saturation",
    "thresholds",
    "ties",
    "shapes",
    "places",
    "formulas",
    "layers",
    "algebra",
    "small_errors",
    "contracts",
    "cotangents",
    "graphs",
    "types",
    "hard",
    "fresh_nets",
    "fresh_losses",
    "fresh_linear",
    "fresh_select",
    "fresh_scan",
    "fresh_science",
    "fresh_signal",
    "fresh_special",
    "fresh_types",
    "fresh_state",
    "fresh_forward_mode",
    "fresh_places",
    "fresh_models",
    "fresh_kinks",
    "catalogue_array",
    "catalogue_matrix",
    "catalogue_layers",
    "catalogue_scalar",
    "alone",
    "alone_certified",
    "fresh_numerics",
    "fresh_cancelling",
)


def collect(modules: tuple[str, ...] = MODULES) -> tuple[Case, ...]:
    """The cases of those modules that exist, in order; raises ValueError if a name or a twin is not as it should be."""
    names = [f"{__package__}.{m}" for m in modules]
    present = [importlib.import_module(name) for name in names if importlib.util.find_spec(name)]
    cases = tuple(case for module in present for case in module.CASES)
    check_pairs(cases)
    return cases


def check_pairs(cases: tuple[Case, ...]) -> None:
    """Raise ValueError unless names are unique and each wrong case has a right twin among the cases."""
    by_name = {case.name: case for case in cases}
    if len(by_name) != len(cases):
        names = [case.name for case in cases]
        raise ValueError(f"names occur twice: {sorted({n for n in names if names.count(n) > 1})}")
    for case in cases:
        if not case.ok and (case.twin not in by_name or not by_name[case.twin].ok):
            raise ValueError(f"{case.name}: its twin {case.twin!r} is not a right case of this table")


CASES = collect()
