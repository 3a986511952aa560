import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "../../test/support/model-server.ts";
import { copyTurn, fillEvents, fillUsage } from "./fill-store.ts";
import { call, done, type LargeWorld } from "./large-world.ts";

const FILES = Number(process.env["BENCH_FILES"] ?? 352_000);
const MESSAGES = 10_000;
const RUNS = 20_000;
const EVENTS = 45_000;
const counted = (count: number) => count.toLocaleString("en");

/** Every kind of large work, by the name that `npm run bench -- large NAME` takes. */
export const works: Readonly<Record<string, (world: LargeWorld) => Promise<void>>> = {
  "replace-all": replaceAll,
  edits: editLongFile,
  output: sayMuch,
  command: longCommands,
  arguments: streamedArguments,
  files: searchFiles,
  session: longSession,
  usage: sumUsage,
  replay: replayEvents,
};

async function replaceAll({ home, turn, measure }: LargeWorld) {
  home.write("many.txt", Array.from({ length: 10_000 }, (_, at) => `  call(${at}); // old`).join("\n"));
  await turn(call("read", { path: "many.txt", limit: 1 }), done);
  const everywhere = { old_string: "old", new_string: "new", replace_all: true };
  await measure("replace_all with 10,000 matches", () =>
    turn(call("edit", { path: "many.txt", edits: [everywhere] }), done),
  );
}

async function editLongFile({ home, turn, measure }: LargeWorld) {
  const line = (at: number) => `  const value${at} = compute(${at}, "${at % 7}");`;
  home.write("long.ts", Array.from({ length: 60_000 }, (_, at) => line(at)).join("\n"));
  await turn(call("read", { path: "long.ts", limit: 1 }), done);
  const edits = Array.from({ length: 100 }, (_, at) => ({
    old_string: `${line(at * 500)}  `,
    new_string: `  const changed${at} = 1;`,
  }));
  await measure("100 inexact edits in 60,000 lines", () =>
    turn(call("edit", { path: "long.ts", edits }), done),
  );
  const whole = Array.from({ length: 20_000 }, (_, at) => `other line ${at}`).join("\n");
  await measure("a file of 60,000 lines written anew", () =>
    turn(call("write", { path: "long.ts", content: whole }), done),
  );
}

async function sayMuch({ turn, measure }: LargeWorld) {
  const words = "yes 'a line of some words that goes on' | head -c 20000000";
  await measure("a command that says 20 MB", () => turn(call("bash", { command: words }), done));
  await measure("a command that says 20 MB in one line", () =>
    turn(call("bash", { command: `${words} | tr '\\n' ' '` }), done),
  );
}

async function longCommands({ turn, measure }: LargeWorld) {
  await measure("a command of 1 MB", () =>
    turn(call("bash", { command: `echo ${"word ".repeat(200_000)}` }), done),
  );
  await measure("a command of 90,000 characters", () =>
    turn(call("bash", { command: `: '${"word ".repeat(18_000)}'` }), done),
  );
}

/** As providers send them: a few letters at a time. */
async function streamedArguments({ turn, measure }: LargeWorld) {
  const text = JSON.stringify({ path: "new.txt", content: "some words that go on\n".repeat(45_000) });
  const pieces = text.match(/[\s\S]{1,100}/g) ?? [];
  await measure("a file of 1 MB written, its text in 10,000 pieces", () =>
    turn(say({ call_begin: "write" }, ...pieces.map((args) => ({ args }))), done),
  );
}

async function searchFiles({ home, api, path, turn, measure }: LargeWorld) {
  for (let at = 0; at < FILES; at += 1) {
    const first = at - (at % 200);
    const folder = join(home.project, `pkg${first % 97}/src/part${first}`);
    if (at === first) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${at}.ts`), "");
  }
  type Found = { files: string[]; complete: boolean; truncated: boolean };
  const find = (query: string) => api.expect<Found>(200, "GET", `${path}/files`, { query: { query } });
  const last = `file-${FILES - 1}`;
  const name = `@ in ${counted(FILES)} files`;
  await measure(`${name}, the first list`, () => find("file"));
  await measure(`${name}, all of them`, async () => {
    for (;;) {
      const { complete, files, truncated } = await find(last);
      if (!complete) continue;
      if (truncated || !files[0]?.endsWith(`${last}.ts`)) throw new Error("a file was not found");
      return;
    }
  });
  await measure(`${name}, five more questions`, async () => {
    for (const query of ["f", "fi", "fil", "pkg3", "part7f1"]) await find(query);
  });
  await measure(`grep in ${counted(FILES)} files`, () =>
    turn(call("grep", { pattern: "nothing-like-that" }), done),
  );
  await measure(`glob in ${counted(FILES)} files`, () => turn(call("glob", { pattern: "**/*.ts" }), done));
}

async function longSession(world: LargeWorld) {
  const { home, path, sid, turn, measure, refill } = world;
  home.write("many.txt", Array.from({ length: 200 }, (_, at) => `  call(${at}); // old`).join("\n"));
  const reads = Array.from({ length: 8 }, (_, at) =>
    call("read", { path: "many.txt", offset: 1 + at, limit: 20 }),
  );
  await turn(...reads, done);
  await refill((database) => copyTurn(database, sid, MESSAGES));
  const name = `a session of ${counted(MESSAGES)} messages`;
  await measure(`${name}, the first prompt`, () => turn(call("bash", { command: "true" }), done));
  await measure(`${name}, the next`, () => turn(call("bash", { command: "true" }), done));
  await measure(`${name} opened`, async () => {
    await world.api.expect(200, "GET", `${path}/snapshot`, { query: { session_id: sid } });
    await world.api.expect(200, "GET", `${path}/sessions/${sid}/messages`, { query: { limit: "1000" } });
  });
  await measure(`${name} read to its beginning`, async () => {
    type Page = { next_before: number | null };
    for (let before: number | null | undefined; before !== null; ) {
      const query = { limit: "1000", ...(before !== undefined && { before }) };
      const page: Page = await world.api.expect(200, "GET", `${path}/sessions/${sid}/messages`, { query });
      before = page.next_before;
    }
  });
  await measure(`${name} copied`, () =>
    world.api.expect(201, "POST", `${path}/sessions/${sid}/fork`, { body: {} }),
  );
}

async function sumUsage(world: LargeWorld) {
  await world.refill((database) => fillUsage(database, RUNS));
  for (const by of ["session", "agent", "model", "day"])
    await measureUsage(by, { by, workspace_id: world.wid });
  await measureUsage("session, of all workspaces", { by: "session" });

  async function measureUsage(name: string, query: Record<string, string>) {
    await world.measure(`the usage of ${counted(RUNS)} runs by ${name}`, () =>
      world.api.expect(200, "GET", "/v1/usage", { query }),
    );
  }
}

async function replayEvents(world: LargeWorld) {
  let first = 0;
  await world.refill((database) => {
    first = fillEvents(database, EVENTS);
  });
  await world.measure(`${counted(EVENTS)} missed events`, async () => {
    const events = await world.events(first);
    await events.untilSeq((await world.events()).lastSeq() ?? first + EVENTS);
    events.drop();
  });
  await world.measure(`a turn after ${counted(EVENTS)} events`, () =>
    world.turn(call("bash", { command: "true" }), done),
  );
}
