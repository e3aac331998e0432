"""Cases that are not decided rightly yet, by name, with the reason."""

KNOWN_GAPS: dict[str, str] = {
    "max/every-tied-entry-of-two-axes-gets-all": "no tie over both axes is drawn among the points that the budget allows",
    "median/even-count-found-by-value": "all-equal points: the hull of sampled gradients reaches the doubled answer's neighbour first",
    "trimmed-mean/found-by-value/right": "a probe at a point of many ties refutes a permitted choice",
    "margin-of-the-winner/found-by-value": "the hull at ties of a difference of maxima stays undecided",
    "max-norm/every-tied-entry-gets-all": "the hull at the tie stays undecided",
    "sine in bfloat16: five per cent off": "thirteen roundoffs of bfloat16: under eight natural roundoffs, so called inaccurate",
    "sine of 1000 x": "the difference's bound is too tight at one shrunk point",
    "variance at 1e8": "cancellation in the forward hides the truth from differences",
    "chirp": "differences alone cannot resolve the oscillation; needs a traced oracle",
    "expanded fifth power near one": "cancellation in the forward hides the truth from differences",
    "float32 inside float64": "noise of the hidden float32 leaves the truth undecided at 1e-4; needs a traced oracle",
    "x times |x| at zero": "only one derivative exists, and differences give a bound that no scale confirms",
    "larger of two equal ones, halves: both": "the hull at the tie stays undecided",
    "inverse of a Hilbert matrix": "condition 1e7: differences leave the truth undecided; needs a traced oracle",
    "solving with a Hilbert matrix": "condition 1e7: the difference's bound is too tight",
    "floor": "a step crosses an integer unseen",
}
