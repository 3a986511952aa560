import { existsSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { createHappenings } from "./happenings.ts";
import { repository } from "./home.ts";

type Json = Record<string, unknown>;

/** One thing that the scripted agent does in a turn. */
export type Deed =
  | { do: "say"; texts: string[] }
  | { do: "think"; text: string }
  | { do: "update"; update: Json }
  /** Whole params of a `session/update`, whatever session they name. */
  | { do: "notify"; params: Json }
  | { do: "flood"; count: number; bytesEach: number }
  | { do: "raw"; text: string }
  | { do: "raw_bytes"; bytes: number; byte?: string }
  | { do: "stderr_bytes"; bytes: number; last: string }
  /** `isPatient`: waits for the answer also when the turn is canceled, for ever if need be. */
  | { do: "ask"; toolCall: Json; options?: Json[]; allowed?: Deed[]; refused?: Deed[]; isPatient?: boolean }
  | { do: "request"; method: string; params: Json }
  /** Runs a command in a terminal of the client's, to its end. */
  | { do: "terminal"; params: Json; toolCallId?: string }
  /** A command of the agent's own, that nobody waits for. */
  | { do: "own_shell"; command: string; detached?: boolean }
  /** Tells the test that it has come to here. */
  | { do: "mark"; what: string }
  | { do: "hold"; gate: string }
  | { do: "hang" }
  | { do: "exit"; code: number }
  | { do: "die" }
  | { do: "fail"; code: number; message: string; data?: unknown }
  /** An answer written by hand: to this prompt, or to whatever id. */
  | { do: "respond"; id?: unknown; result: Json }
  | { do: "stop"; result: Json };

export type PlayedTurn = {
  deeds: Deed[];
  /** `cancelled`, as the protocol has it, unless said otherwise. */
  onCancel?: "ignore" | "end_turn" | "exit" | "never" | undefined;
  /** Done so long after the response. */
  after?: Deed[] | undefined;
  afterMs?: number | undefined;
};

type Answer =
  | "never"
  | "exit"
  /** Not before the test opens that gate. */
  | { gate: string }
  | { error: { code: number; message: string; data?: unknown } }
  | { updates: Json[] };

/** How a child behaves from its start on. */
export type AgentStart = {
  atStart?: "exit" | "ignore_term";
  exitCode?: number;
  stderr?: string;
  /** Written to stdout before anything else. */
  raw?: string;
  protocolVersion?: number;
  version?: string;
  /** It does not say who it is. */
  isNameless?: boolean;
  loads?: boolean;
  /** It takes MCP servers at an address. */
  takesHttp?: boolean;
  resumes?: boolean;
  /** It cannot close a session. */
  keepsOpen?: boolean;
  /** So many sessions it holds; one more is refused. */
  sessionsMax?: number;
  authMethods?: Json[];
  /** What the answer to session/new, load and resume says besides the id: modes, models, configOptions. */
  session?: Json;
  /** Updates of a session that is told before its id is. */
  early?: Json[];
  answers?: {
    [method in
      | "initialize"
      | "authenticate"
      | "session/new"
      | "session/load"
      | "session/resume"
      | "session/close"
      | "session/set_mode"
      | "session/set_config_option"
      | "session/set_model"]?: Answer;
  };
};

export type AgentReport =
  | { said: "spawned"; env: Record<string, string | undefined> }
  | { said: "request"; method: string; params: unknown }
  | { said: "answered"; method: string; answer: Json }
  | { said: "shell"; shellPid: number }
  | { said: "played"; what: string }
  | { said: "gone" };
export type AgentOrder =
  | { order: "start"; start: AgentStart }
  | { order: "play"; turn: PlayedTurn }
  | { order: "open"; gate: string };
/** With the time of this process's `performance.now()` when it was heard. */
export type Heard = AgentReport & { pid: number; at: number };

export type ScriptedAcp = Awaited<ReturnType<typeof startScriptedAcp>>;

/**
 * The agent as one file, made once for all tests of a run: reading its sources and the SDK's anew took most of the time
 * that an agent needs to start.
 */
async function bundledAgent(): Promise<string> {
  const file = join(tmpdir(), "scripted-acp-agent.mjs");
  if (existsSync(file)) return file;
  const { outputFiles } = await build({
    entryPoints: [join(repository, "test/support/scripted-acp-agent.ts")],
    ...{ bundle: true, platform: "node", format: "esm", write: false },
  });
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, outputFiles[0]?.contents ?? "");
  renameSync(mine, file); // another worker may be at it as well
  return file;
}

/** The test's end of scripted agents: says how each child starts and what it does, and hears what it was told. */
export async function startScriptedAcp(dir: string) {
  const path = join(dir, "agent.sock");
  const heard = createHappenings<Heard>((one) => JSON.stringify(one).slice(0, 200));
  const starts: AgentStart[] = [];
  const turns: PlayedTurn[] = [];
  const sockets = new Map<number, Socket>();
  const open = new Set<string>();
  /** Children that have been prompted and wait to be told what to do. */
  const waiting: Socket[] = [];
  let always: AgentStart = {};

  const send = (socket: Socket, order: AgentOrder) => void socket.write(`${JSON.stringify(order)}\n`);
  const deal = () => {
    while (waiting.length > 0 && turns.length > 0) {
      const socket = waiting.shift();
      const turn = turns.shift();
      if (socket && turn) send(socket, { order: "play", turn });
    }
  };

  const server = createServer((socket) => {
    let pid = 0;
    createInterface({ input: socket }).on("line", (line) => {
      const said = JSON.parse(line) as AgentReport & { pid: number };
      pid = said.pid;
      sockets.set(pid, socket);
      if (said.said === "spawned") {
        send(socket, { order: "start", start: { ...always, ...starts.shift() } });
        for (const gate of open) send(socket, { order: "open", gate });
      }
      heard.add({ ...said, at: performance.now() });
      if (said.said === "request" && said.method === "session/prompt") {
        waiting.push(socket);
        deal();
      }
    });
    socket.on("error", () => {}); // killed: told by close
    socket.on("close", () => {
      sockets.delete(pid);
      heard.add({ said: "gone", pid, at: performance.now() });
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));

  return {
    command: [process.execPath, await bundledAgent()] as [string, string],
    env: { SCRIPTED_ACP: path },
    heard,
    /** The next children start like this, one each; what is not said is as `everyStart` says. */
    nextStart: (...next: AgentStart[]) => void starts.push(...next),
    everyStart(start: AgentStart) {
      always = start;
    },
    /** The next turns, one each, whichever child they come to. */
    nextTurn(...next: PlayedTurn[]) {
      turns.push(...next);
      deal();
    },
    /** What a canceled turn did not come to must not be the next one's. */
    forgetTurns: () => void turns.splice(0),
    openGate(gate: string) {
      open.add(gate);
      for (const socket of sockets.values()) send(socket, { order: "open", gate });
    },
    /** How often the agent was asked that. */
    count: (method: string): number =>
      heard.all.filter((one) => one.said === "request" && one.method === method).length,
    paramsOf: (method: string): Json[] =>
      heard.all.flatMap((one) =>
        one.said === "request" && one.method === method ? [one.params as Json] : [],
      ),
    answersTo: (method: string): Json[] =>
      heard.all.flatMap((one) => (one.said === "answered" && one.method === method ? [one.answer] : [])),
    pids: (): number[] => heard.all.flatMap((one) => (one.said === "spawned" ? [one.pid] : [])),
    until: (fits: (one: Heard) => boolean, what: string, from = 0) => heard.until(fits, what, from),
    /** What the agent was answered to the first request of that method. */
    async answered(method: string): Promise<Json> {
      const one = await heard.until(
        (seen) => seen.said === "answered" && seen.method === method,
        `an answer to ${method}`,
      );
      return one.said === "answered" ? one.answer : {};
    },
    asked: (method: string, nth = 1) => {
      let count = 0;
      return heard.until((one) => {
        if (one.said === "request" && one.method === method) count += 1;
        return count >= nth;
      }, `${method} for the ${nth}. time`);
    },
    async close() {
      heard.finish("the scripted agents were closed");
      for (const socket of sockets.values()) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
