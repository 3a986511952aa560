// An MCP server on stdio that misbehaves in the way that its argument names.
import { createInterface } from "node:readline";

const [how] = process.argv.slice(2);
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const good = { name: "good", description: "It works.", inputSchema: { type: "object", properties: {} } };
let tools = [good];
if (how === "banner") process.stdout.write("Welcome to the server!\n[not json\n{}\n");
if (how === "dies") {
  process.stderr.write("the token is missing\n");
  process.exit(7);
}
if (how === "lies")
  tools = [
    { description: "without a name", inputSchema: {} },
    7,
    {
      name: "odd",
      inputSchema: {
        $ref: "#/$defs/a",
        $defs: { a: { anyOf: [{ properties: { "a b": {}, n: { const: 3 } } }] } },
      },
    },
    { name: "text", inputSchema: "none" },
    good,
  ];

createInterface({ input: process.stdin }).on("line", (line) => {
  if (how === "hangs") return;
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize")
    send({
      id,
      result: {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: how, version: "1" },
      },
    });
  if (method === "tools/list") send({ id, result: { tools } });
  if (method !== "tools/call") return;
  if (how === "dies-later") process.exit(3);
  if (how === "silent") return;
  const size = { floods: 10_000_000, overflows: 17_000_000 }[how];
  if (size !== undefined) send({ id, result: { content: [{ type: "text", text: "x".repeat(size) }] } });
  else if (how === "draws")
    send({
      id,
      result: {
        content: [
          { type: "image", mimeType: "image/png", data: process.argv[3] },
          { type: "image", mimeType: "image/png", data: "bm90IGFuIGltYWdl" },
          { type: "text", text: "as asked" },
        ],
      },
    });
  else if (how === "lies")
    send({ id, result: { content: [{ text: "no type" }, { type: "text", text: "yes" }] } });
  else if (how === "grows") {
    tools = [...tools, { name: "new", inputSchema: { type: "object" } }];
    send({ method: "notifications/tools/list_changed" });
    send({ id, result: { content: [{ type: "text", text: "grown" }] } });
  } else send({ id, result: { content: [{ type: "text", text: JSON.stringify(process.env) }] } });
});
