"""A peer in Python: sin and multiply, on the standard library alone."""

import json
import math
import sys


def floats(tensor):
    return [float.fromhex(v) for v in tensor["hex"]]


def like(tensor, values):
    return {"dtype": tensor["dtype"], "shape": tensor["shape"], "hex": [v.hex() for v in values]}


def forward(operator, inputs):
    x = floats(inputs[0])
    if operator == "sin":
        return [like(inputs[0], [math.sin(v) for v in x])]
    return [like(inputs[0], [a * b for a, b in zip(x, floats(inputs[1]), strict=True)])]


def vjp(operator, inputs, cotangent):
    x, g = floats(inputs[0]), floats(cotangent)
    if operator == "sin":
        return [like(inputs[0], [w * math.cos(v) for w, v in zip(g, x, strict=True)])]
    y = floats(inputs[1])
    return [
        like(inputs[0], [w * v for w, v in zip(g, y, strict=True)]),
        like(inputs[1], [w * v for w, v in zip(g, x, strict=True)]),
    ]


def answer(method, params):
    if method == "initialize":
        about = {"name": "python-example", "version": "1", "operators": ["sin", "multiply"]}
        return {**about, "dtypes": ["float64"], "encoding": "hex"}
    if method == "shutdown":
        return {}
    if len({tuple(t["shape"]) for t in params["inputs"]}) > 1:
        raise NotImplementedError("this peer does not broadcast")
    if method == "forward":
        return {"outputs": forward(params["operator"], params["inputs"])}
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
