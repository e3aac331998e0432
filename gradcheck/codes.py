"""The codes of findings, each with one sentence.  A code is stable: it never comes to mean something else."""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "GC101": "An entry of the gradient is not the derivative.",
    "GC102": "An entry of the gradient is not finite where the derivative is.",
    "GC103": "An entry of the gradient loses digits that rounding alone would keep.",
    "GC105": "An entry could not be decided: no bound of the truth is small enough.",
    "GC106": "There is no derivative at the point: a jump, an infinite slope or an overflow.",
    "GC107": "Two oracles exclude each other, so that neither gradient nor truth can be trusted.",
    "GC108": "At a kink the answer is a fixed choice per primitive, though no generalised derivative of the whole.",
    "GC109": "The backward pass raises where the forward does not.",
    "GC110": "The backward pass is not linear in the cotangent.",
    "GC120": "The forward has other values than the operator that it claims to be.",
    "GC121": "The forward raises, or is not finite, at an example of the operator.",
    "GC123": "The subject raises so that the check of an example ends.",
    "GC124": "The check was stopped at its time limit.",
    "GC125": "The process in which the subject ran ended.",
    "GC126": "gradcheck itself failed: a bug to report, and no statement about the gradient.",
    "GC130": "The backward pass's own derivative is not symmetric, so that it is the gradient of no function.",
    "GC131": "A formula known to be wrong is not refuted, or its mended form not accepted.",
    "GC132": "The backward pass's own derivative is not the second derivative, although its values may be right.",
    "GC201": "The backward pass returns another number of gradients than there are differentiable arguments.",
    "GC202": "A gradient is None.",
    "GC203": "A gradient has another shape than its argument.",
    "GC204": "A gradient has another type than its argument, or is no array of numbers.",
    "GC205": "The backward pass changes its inputs in place.",
    "GC206": "The backward pass changes the cotangent in place.",
    "GC207": "The forward changes its inputs in place.",
    "GC208": "A later call overwrites a gradient that was returned before, or is changed by writing into it.",
    "GC209": "Calls leave a trace: equal calls accumulate, or answer otherwise after other calls.",
    "GC210": "Equal calls give different bits.",
    "GC211": "The answer depends on how the arrays lie in memory.",
    "GC212": "Read-only arrays are refused.",
    "GC301": "The jvp is not the directional derivative.",
    "GC302": "The jvp has other shapes than the outputs.",
}
"""Code to sentence.  1xx are about values and processes, 2xx about the contract, 3xx about forward mode."""
