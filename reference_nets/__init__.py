"""Small reference networks whose derivatives are written out by hand.

Each module states its mathematics and its source, and fits on a page.  Nothing here knows how it is tested.

The code is generic in the number type.  Only ``+ - * / @``, comparisons and NumPy functions that accept object arrays
are used, so that the very code that trains in float64 also runs over ``fractions.Fraction``, dual numbers,
polynomials or arbitrary-precision floats, held in arrays of dtype object.  What is not rational (exp, sin, ...) is
passed in.
"""
