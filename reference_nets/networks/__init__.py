"""The table of networks: each as a pair of functions of arrays, over any number system and in any small size.

The modules of ``reference_nets`` state each network in the form in which it is understood: layers, graphs, places.  A
checker wants ``forward(*arrays)`` and ``vjp(cotangent, *arrays)``.  This table says how one becomes the other, one file
per kind of network; nothing is computed here that is not computed there.
"""

from __future__ import annotations

from reference_nets.networks import labelled, layered, second, sequences
from reference_nets.networks.records import FLOATS, RATIONALS, Kit, Network, kit, random_inputs

__all__ = ["FLOATS", "NETWORKS", "RATIONALS", "Kit", "Network", "kit", "random_inputs"]

NETWORKS: dict[str, Network] = {
    **layered.NETWORKS,
    **labelled.NETWORKS,
    **sequences.NETWORKS,
    **second.NETWORKS,
}
