// A peer in JavaScript (node peer.js): sin and exp of doubles.
const values = (t) => {
  const bytes = Buffer.from(t.b64, "base64");
  return Array.from({ length: bytes.length / 8 }, (_, k) => bytes.readDoubleLE(8 * k));
};

const like = (t, numbers) => {
  const bytes = Buffer.alloc(8 * numbers.length);
  numbers.forEach((v, k) => bytes.writeDoubleLE(v, 8 * k));
  return { dtype: t.dtype, shape: t.shape, b64: bytes.toString("base64") };
};

const functions = { sin: Math.sin, exp: Math.exp };
const derivatives = { sin: Math.cos, exp: Math.exp };

function answer(method, p) {
  if (method === "initialize") {
    return { name: "javascript-example", version: "1", operators: ["sin", "exp"], dtypes: ["float64"], encoding: "b64" };
  }
  if (method === "shutdown") return {};
  const x = p.inputs[0];
  if (method === "forward") return { outputs: [like(x, values(x).map(functions[p.operator]))] };
  const g = values(p.cotangents[0]);
  return { gradients: [like(x, values(x).map((v, k) => g[k] * derivatives[p.operator](v)))] };
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  const reply = { jsonrpc: "2.0", id: request.id };
  try {
    reply.result = answer(request.method, request.params);
  } catch (error) {
    reply.error = { code: -32000, message: String(error), data: error.stack };
  }
  process.stdout.write(JSON.stringify(reply) + "\n");
});
