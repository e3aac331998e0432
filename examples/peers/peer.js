// A peer in JavaScript (node peer.js): sin and exp of doubles.  Tensors travel as raw bytes behind their line.
const fs = require("fs");

let held = Buffer.alloc(0);

// The next n bytes of stdin, or, without a number, the next line.
function take(n) {
  const pieces = [held];
  let size = held.length;
  let end;
  while ((end = n ?? pieces.at(-1).indexOf(10)) < 0 || size < end) {
    const piece = Buffer.alloc(1 << 20);
    const count = fs.readSync(0, piece);
    if (count === 0) process.exit(0);
    pieces.push(piece.subarray(0, count));
    size += count;
  }
  const all = Buffer.concat(pieces);
  if (n === undefined) end = all.indexOf(10) + 1;
  held = all.subarray(end);
  return all.subarray(0, end);
}

function put(bytes) {
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(1, bytes, done);
}

const functions = { sin: Math.sin, exp: Math.exp };
const derivatives = { sin: Math.cos, exp: Math.exp };

function answer(method, p, tensors, behind) {
  if (method === "initialize") {
    return { name: "javascript-example", version: "1", operators: ["sin", "exp"], dtypes: ["float64"], encoding: "raw" };
  }
  if (method === "shutdown") return {};
  const [x, g] = tensors.map((bytes) => new Float64Array(new Uint8Array(bytes).buffer));
  const y = x.map((v, k) => (g ? g[k] * derivatives[p.operator](v) : functions[p.operator](v)));
  behind.push(Buffer.from(y.buffer));
  return { [g ? "gradients" : "outputs"]: [{ dtype: "float64", shape: p.inputs[0].shape, raw: y.byteLength }] };
}

for (;;) {
  const { id, method, params } = JSON.parse(take());
  const tensors = [...(params.inputs ?? []), ...(params.cotangents ?? [])].map((t) => take(t.raw));
  const reply = { jsonrpc: "2.0", id };
  const behind = [];
  try {
    reply.result = answer(method, params, tensors, behind);
  } catch (error) {
    reply.error = { code: -32000, message: String(error), data: error.stack };
  }
  put(Buffer.from(JSON.stringify(reply) + "\n"));
  behind.forEach(put);
  if (method === "shutdown") break;
}
