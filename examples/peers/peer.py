"""A peer in Python: sin and multiply in reverse and in forward mode, on the standard library alone."""

import json
import math
import sys


def floats(tensor):
    return [float.fromhex(v) for v in tensor["hex"]]


def like(tensor, values):
    return {"dtype": tensor["dtype"], "shape": tensor["shape"], "hex": [v.hex() for v in values]}


def forward(operator, inputs):
    x, *y = map(floats, inputs)
    values = [math.sin(v) for v in x] if operator == "sin" else [a * b for a, b in zip(x, *y, strict=True)]
    return [like(inputs[0], values)]


def vjp(operator, inputs, cotangent):
    x, g = floats(inputs[0]), floats(cotangent)
    if operator == "sin":
        return [like(inputs[0], [w * math.cos(v) for w, v in zip(g, x, strict=True)])]
    pairs = ((inputs[0], floats(inputs[1])), (inputs[1], x))
    return [like(of, [w * v for w, v in zip(g, other, strict=True)]) for of, other in pairs]


def jvp(operator, inputs, tangents):
    if operator == "sin":  # each entry by itself: either product is the same
        return vjp(operator, inputs, tangents[0])
    return [like(inputs[0], [m * b + a * n for a, b, m, n in zip(*map(floats, inputs + tangents), strict=True)])]


def answer(method, params):
    if method == "initialize":
        about = {"name": "python-example", "version": "1", "operators": ["sin", "multiply"]}
        return {**about, "dtypes": ["float64"], "encoding": "hex", "jvp": about["operators"]}
    if method == "shutdown":
        return {}
    if len({tuple(t["shape"]) for t in params["inputs"]}) > 1:
        raise NotImplementedError("this peer does not broadcast")
    if method == "forward":
        return {"outputs": forward(params["operator"], params["inputs"])}
    if method == "jvp":
        return {"tangents": jvp(params["operator"], params["inputs"], params["tangents"])}
    return {"gradients": vjp(params["operator"], params["inputs"], params["cotangents"][0])}


for line in sys.stdin:
    request = json.loads(line)
    reply = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        reply["result"] = answer(request["method"], request["params"])
    except NotImplementedError as error:
        reply["error"] = {"code": -32601, "message": str(error)}
    except Exception as error:
        reply["error"] = {"code": -32000, "message": repr(error)}
    print(json.dumps(reply), flush=True)
