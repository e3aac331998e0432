"""Small reference networks whose derivatives are written out by hand.

Each module states its mathematics and its source, and fits on a page.  Nothing here knows how it is tested.

The code is generic in the number type.  Only ``+ - * / @``, comparisons and NumPy functions that accept object arrays
are used, so that the very code that trains in float64 also runs over ``fractions.Fraction``, dual numbers,
polynomials or arbitrary-precision floats, held in arrays of dtype object.  What is not rational (exp, sin, ...) is
passed in.

Networks, in the order in which they are best read:

* ``perceptron``: one unit, by gradient descent and by its mistakes;  ``two_layers``: every index written out;
* ``mlp``: layers in matrices, with ``losses``;  ``rojas_layers``: the same in Rojas's notation;  ``training``;
* ``b_diagrams``: nodes that know their neighbours only;  ``extended_network``: how they learn;
* ``recurrent``, ``hidden_markov``, ``variational``: a parameter that is used many times;
* ``second_order``, ``hessian_products``: the Hessian, whole and times a vector.

Graphs, in the order in which they are best read:

* ``graph``, ``operations``, ``backprop``: computations as graphs, and derivatives along them;
* ``graph_models``, ``goodfellow``: the same with variables as vertices, and the textbook's algorithms on them;
* ``symbols``: derivatives that are graphs again;  ``tape``: numbers that write down what is done with them;
* ``path_sums``, ``elimination``: the derivative by its definition, by a triangular matrix, by taking vertices away;
* ``counting``, ``checkpointing``: what a gradient costs in operations, and in memory.

``thread`` holds formulas, and ``wrong_graphs`` algorithms, that are wrong, each with what is right.  ``networks`` is the
table of all networks as pairs of functions of arrays.  ``rules`` are derivative rules of single operators.
"""
