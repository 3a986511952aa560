import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";

const server = `
  const server = require("node:http").createServer((_request, response) => {
    response.setHeader("content-type", "application/json").end("{}");
  });
  server.listen({ path: process.argv[1], backlog: 1 }, () => process.stdout.write("up"));
`;

/** Connects until the system takes no more. */
async function fill(path: string): Promise<Socket[]> {
  const waiting: Socket[] = [];
  for (;;) {
    const socket = connect(path);
    const code = await new Promise<string | undefined>((resolve) => {
      socket.once("connect", () => resolve(undefined));
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    if (code !== undefined) {
      expect(code).toBe("EAGAIN");
      return waiting;
    }
    waiting.push(socket);
  }
}

test.runIf(process.platform === "linux")(
  "a call knocks again where too many stand before the daemon's socket",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "hearth-crowd-"));
    const path = join(dir, "a.sock");
    const child = spawn(process.execPath, ["-e", server, path], { stdio: ["ignore", "pipe", "inherit"] });
    const waiting: Socket[] = [];
    const client = createClient({ socketPath: path, clientId: "late" });
    try {
      await new Promise((resolve) => child.stdout.once("data", resolve));
      child.kill("SIGSTOP");
      waiting.push(...(await fill(path)));
      const reply = client.request("GET /v1/health");
      for (let turn = 0; turn < 10; turn += 1) await setImmediate();
      child.kill("SIGCONT");
      expect(await reply).toEqual({});
    } finally {
      client.close();
      for (const socket of waiting) socket.destroy();
      child.kill("SIGKILL");
      rmSync(dir, { recursive: true });
    }
  },
);
