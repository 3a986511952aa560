// The least daemon there could be, as a process of its own: what hearth's daemon is measured against.
// POST / writes one synced row and answers 202; GET /stream is an event stream; POST /burst?n= sends n events to all.
import { createServer, type ServerResponse } from "node:http";
import Database from "better-sqlite3";

const [socketPath = "", databasePath = ""] = process.argv.slice(2);
const db = new Database(databasePath);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec("CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT)");
const insert = db.prepare("INSERT INTO row (text) VALUES (?)");
const readers = new Set<ServerResponse>();
let seq = 0;

const server = createServer((incoming, outgoing) => {
  if (incoming.url?.startsWith("/stream")) {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    outgoing.flushHeaders();
    readers.add(outgoing);
    outgoing.once("close", () => readers.delete(outgoing));
    return;
  }
  let body = "";
  incoming.setEncoding("utf8");
  incoming.on("data", (chunk: string) => {
    body += chunk;
  });
  incoming.once("end", () => {
    const burst = Number(new URL(incoming.url ?? "", "http://x").searchParams.get("n") ?? 0);
    if (burst === 0) insert.run(JSON.stringify(JSON.parse(body)));
    outgoing.writeHead(202, { "content-type": "application/json" }).end('{"ok":true}');
    for (let index = 0; index < burst; index += 1) {
      seq += 1;
      const data = JSON.stringify({
        seq,
        type: "part.delta",
        payload: { offset: index * 8, text: `word${index} ` },
      });
      const frame = Buffer.from(`id: ${seq}\nevent: part.delta\ndata: ${data}\n\n`);
      for (const reader of readers) reader.write(frame);
    }
  });
});
server.listen(socketPath, () => process.stdout.write("ready\n"));
process.once("SIGTERM", () => process.exit(0));
