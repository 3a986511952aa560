import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

type Json = Record<string, unknown>;

/** The least client that can prompt an ACP agent: what an agent takes without hearth, or hearth without an editor. */
export async function openDirectAcp(
  [program, ...args]: readonly [string, ...string[]],
  { cwd, env }: { cwd: string; env: Record<string, string> },
) {
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "ignore"] });
  const waiting = new Map<number, (message: Json) => void>();
  let firstChunkAt: number | undefined;
  let serial = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const at = performance.now();
    const message = JSON.parse(line) as Json;
    if (line.includes('"agent_message_chunk"')) firstChunkAt ??= at;
    if (message["method"] === undefined) waiting.get(Number(message["id"]))?.(message);
  });
  const request = (method: string, params: Json) => {
    serial += 1;
    const id = serial;
    const answered = new Promise<Json>((resolve) => waiting.set(id, resolve));
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return answered;
  };
  await request("initialize", {
    protocolVersion: 1,
    clientCapabilities: {},
    clientInfo: { name: "bench", version: "1" },
  });
  const { result } = await request("session/new", { cwd, mcpServers: [] });
  const { sessionId } = result as { sessionId: string };
  return {
    pid: child.pid ?? 0,
    /** One more session, with one turn in it. */
    async anotherTurn(text: string): Promise<void> {
      const { result: more } = await request("session/new", { cwd, mcpServers: [] });
      const { sessionId: id } = more as { sessionId: string };
      await request("session/prompt", { sessionId: id, prompt: [{ type: "text", text }] });
    },
    /** Resolves at the turn's end with when it was sent and when its first words came. */
    async prompt(text: string): Promise<{ sentAt: number; firstChunkAt: number }> {
      firstChunkAt = undefined;
      const sentAt = performance.now();
      await request("session/prompt", { sessionId, prompt: [{ type: "text", text }] });
      return { sentAt, firstChunkAt: firstChunkAt ?? Number.NaN };
    },
    async close() {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      process.kill(-(child.pid ?? 0), "SIGTERM");
      await exited;
    },
  };
}
export type DirectAcp = Awaited<ReturnType<typeof openDirectAcp>>;
