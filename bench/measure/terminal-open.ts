import type { PromptReply } from "../../src/protocol/routes/runs.ts";
import { say } from "../../test/support/model-server.ts";
import type { TerminalWorld } from "./terminal-world.ts";

export type LongSession = { sid: string; turns: number; events: number; lastWords: string };

/** Makes a session turn by turn, `calls` tool calls in each, until `isLong`. */
export async function makeLongSession(
  world: TerminalWorld,
  name: string,
  calls: number,
  isLong: (session: { turns: number; events: number }) => boolean,
): Promise<LongSession> {
  const api = world.daemon.api(`maker-${name}`);
  const { json } = await api.call("POST", "/v1/workspaces", {
    body: { path: world.home.project, env: world.home.env },
  });
  const { workspace } = json as { workspace: { id: string } };
  const path = `/v1/workspaces/${workspace.id}`;
  const { session } = await api.expect<{ session: { id: string } }>(201, "POST", `${path}/sessions`, {
    body: { mode: "yolo" },
  });
  const events = await world.daemon.events(workspace.id, `maker-${name}`, { validate: false });
  world.home.write("a.txt", "alpha\n".repeat(40));
  const before = events.lastSeq() ?? 0;
  const lastWords = `the last words of ${name}`;
  let turns = 0;
  let isLast = false;
  while (!isLast) {
    isLast = isLong({ turns: turns + 1, events: (events.lastSeq() ?? 0) - before });
    const reads = Array.from({ length: calls }, (_, index) => ({
      call: "read",
      input: { path: "a.txt", offset: index + 1 + (turns % 20), limit: 10 },
    }));
    world.model.enqueue(
      say("I read what is asked for.", ...reads),
      say(`Answer ${turns}: ${"some words of an answer ".repeat(12)}\n\n${isLast ? lastWords : ""}\n`),
    );
    const { run_id } = await api.expect<PromptReply>(202, "POST", `${path}/agent`, {
      body: { session_id: session.id, prompt: `question ${turns}` },
    });
    await events.until("run.completed", (event) => event.payload.run_id === run_id);
    turns += 1;
  }
  const made = { sid: session.id, turns, events: (events.lastSeq() ?? 0) - before, lastWords };
  events.drop();
  return made;
}

/** From the start of a terminal on a session to its last text on the screen. */
export async function timeOpening(
  world: TerminalWorld,
  session: LongSession,
  rounds: number,
): Promise<number[]> {
  const samples: number[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const screen = world.start("--session", session.sid);
    const at = await screen.until(
      (window) => window.some((row) => row.includes(session.lastWords)),
      session.lastWords,
    );
    if (round >= 0) samples.push(at - screen.began);
    await screen.close();
  }
  return samples;
}
