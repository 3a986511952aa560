// node cut-opencode.ts PROGRAM serve --hostname 127.0.0.1 --port N
// Runs opencode behind a relay on the port it was told, and cuts every connection when it gets SIGUSR2.
import { spawn } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

const [program = "", ...args] = process.argv.slice(2);
const at = args.indexOf("--port");
const port = Number(args[at + 1]);
args[at + 1] = "0";
const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
child.once("exit", (code) => process.exit(code ?? 1));
const sockets = new Set<Socket>();
process.on("SIGUSR2", () => {
  for (const socket of sockets) socket.destroy();
});
process.on("SIGTERM", () => child.kill("SIGTERM"));

createInterface({ input: child.stdout }).on("line", (line) => {
  const behind = /listening on http:\/\/[^\s/]*:(\d+)/.exec(line)?.[1];
  if (behind === undefined) return;
  createServer((front) => {
    const back = connect(Number(behind), "127.0.0.1");
    for (const socket of [front, back]) {
      sockets.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        front.destroy();
        back.destroy();
      });
      socket.on("error", () => {});
    }
    front.pipe(back).pipe(front);
  }).listen(port, "127.0.0.1", () =>
    process.stdout.write(`opencode server listening on http://127.0.0.1:${port}\n`),
  );
});
