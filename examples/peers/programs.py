"""A peer in Python that differentiates whole programs, on the standard library alone: a tape of vectors."""

import json
import sys

FORWARD = {
    "add": lambda x, y: [a + b for a, b in zip(x, y, strict=True)],
    "subtract": lambda x, y: [a - b for a, b in zip(x, y, strict=True)],
    "multiply": lambda x, y: [a * b for a, b in zip(x, y, strict=True)],
    "negative": lambda x: [-a for a in x],
    "square": lambda x: [a * a for a in x],
    "reversed": lambda x: x[::-1],
}

# Each pulls the cotangent g of its output back to its inputs.
BACK = {
    "add": lambda g, x, y: (g, g),
    "subtract": lambda g, x, y: (g, [-c for c in g]),
    "multiply": lambda g, x, y: (FORWARD["multiply"](g, y), FORWARD["multiply"](g, x)),
    "negative": lambda g, x: ([-c for c in g],),
    "square": lambda g, x: ([2 * c * a for c, a in zip(g, x, strict=True)],),
    "reversed": lambda g, x: (g[::-1],),
}


def program(graph, inputs, cotangents):
    variables = list(inputs)
    for step in graph["steps"]:
        variables.append(FORWARD[step["operation"]](*(variables[k] for k in step["reads"])))
    adjoints = [[0.0] * len(x) for x in variables]
    for k, g in zip(graph["outputs"], cotangents, strict=True):
        adjoints[k] = FORWARD["add"](adjoints[k], g)
    for number, step in reversed(list(enumerate(graph["steps"], start=graph["leaves"]))):
        pulled = BACK[step["operation"]](adjoints[number], *(variables[k] for k in step["reads"]))
        for k, g in zip(step["reads"], pulled, strict=True):  # a variable that is read twice adds up
            adjoints[k] = FORWARD["add"](adjoints[k], g)
    return [variables[k] for k in graph["outputs"]], adjoints[: graph["leaves"]]


def answer(method, params):
    if method == "initialize":
        about = {"name": "programs-example", "version": "1", "operators": [], "dtypes": ["float64"]}
        return {**about, "encoding": "hex", "operations": list(FORWARD), "manners": ["once"]}
    if method != "program":
        return {}
    given = ([[float.fromhex(v) for v in t["hex"]] for t in params[what]] for what in ("inputs", "cotangents"))
    found = zip(("outputs", "gradients"), program(params["program"], *given), strict=True)
    tensor = params["inputs"][0]
    return {what: [{**tensor, "hex": [v.hex() for v in values]} for values in lists] for what, lists in found}


for line in sys.stdin:
    request = json.loads(line)
    reply = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        reply["result"] = answer(request["method"], request["params"])
    except Exception as error:
        reply["error"] = {"code": -32000, "message": repr(error)}
    print(json.dumps(reply), flush=True)
