import { StringDecoder } from "node:string_decoder";
import { ignoreError, inBackground } from "../../../async/in-background.ts";
import { settlesWithin } from "../../../async/wait.ts";
import type { GroupProcess, ProcessExit, ProcessSupervisor } from "../../process/types.ts";
import { commandEnvironment } from "../../tools/command/environment.ts";
import { createTextCleaner } from "../../tools/command/text-cleaner.ts";
import { ClientRefusal, NOT_FOUND } from "./files.ts";

/** Output of one terminal that an agent can read: the default and the maximum. */
const OUTPUT_BYTES = 1024 * 1024;
/** Output that the screen shows of one running command. */
const SHOWN_CHARS_MAX = 256 * 1024;
const TERMINALS_MAX = 64;

export type TerminalRequest = {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  outputBytes: number | undefined;
};

export type TerminalExit = { exitCode: number | null; signal: string | null };
export type TerminalOutput = { output: string; truncated: boolean; exitStatus: TerminalExit | null };

/** Commands that hearth runs for an agent, and must end. */
export type ClientTerminals = {
  /** `owner`: the run that it belongs to. */
  create(request: TerminalRequest, owner: string, env: Readonly<Record<string, string>>): Promise<string>;
  output(id: string): TerminalOutput;
  exited(id: string): Promise<TerminalExit>;
  kill(id: string): void;
  release(id: string): void;
  /** `onText` gets all output from the start, then `onExit` is called once. Only the first watcher counts. */
  watch(id: string, onText: (text: string) => void, onExit: (exit: TerminalExit) => void): void;
  close(): Promise<void>;
};

type Terminal = {
  process: GroupProcess;
  output(): Omit<TerminalOutput, "exitStatus">;
  exit: TerminalExit | null;
  ended: Promise<TerminalExit>;
  watch(onText: (text: string) => void, onExit: (exit: TerminalExit) => void): void;
};

/** The whole command line, for a person to read before it runs. */
export function terminalLine({
  command,
  args,
  env,
}: Pick<TerminalRequest, "command" | "args" | "env">): string {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`);
  // goose puts a whole shell line into `command`.
  const words = args.length === 0 ? [command] : [quoted(command), ...args.map(quoted)];
  return [...settings, ...words].join(" ");
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

export function createClientTerminals(processes: ProcessSupervisor): ClientTerminals {
  const terminals = new Map<string, Terminal>();
  /** Stops in progress; `close` waits for them. */
  const ending = new Set<Promise<void>>();
  let serial = 0;

  function end({ process }: Terminal): void {
    // If it cannot be stopped, the supervisor keeps its record.
    const ended = process
      .stop()
      .catch(() => {})
      .finally(() => ending.delete(ended));
    ending.add(ended);
  }

  function find(id: string): Terminal {
    const found = terminals.get(id);
    if (found === undefined) throw new ClientRefusal(NOT_FOUND, `There is no terminal ${id}`);
    return found;
  }

  return {
    async create(request, owner, env) {
      if (terminals.size >= TERMINALS_MAX)
        throw new ClientRefusal(-32603, `${TERMINALS_MAX} terminals are open: release one first`);
      const line = terminalLine({ ...request, env: {} });
      const process = await startShell(processes, line, {
        cwd: request.cwd,
        env: { ...commandEnvironment(env), ...request.env },
        owner,
      });
      serial += 1;
      const id = `terminal_${serial}`;
      terminals.set(id, follow(process, Math.min(request.outputBytes ?? OUTPUT_BYTES, OUTPUT_BYTES)));
      return id;
    },
    output(id) {
      const terminal = find(id);
      return { ...terminal.output(), exitStatus: terminal.exit };
    },
    exited: (id) => find(id).ended,
    kill(id) {
      end(find(id));
    },
    release(id) {
      const terminal = find(id);
      terminals.delete(id);
      if (terminal.exit === null) end(terminal);
    },
    watch: (id, onText, onExit) => terminals.get(id)?.watch(onText, onExit),
    async close() {
      const all = [...terminals.values()];
      terminals.clear();
      for (const terminal of all) end(terminal);
      await Promise.all(ending);
    },
  };
}

/** bash if installed, else /bin/sh. */
async function startShell(
  processes: ProcessSupervisor,
  line: string,
  { cwd, env, owner }: { cwd: string; env: Record<string, string>; owner: string },
): Promise<GroupProcess> {
  const spawn = (shell: string) =>
    processes.spawn({ command: [shell, "-c", line], cwd, env, owner, stdio: "command" });
  try {
    return await spawn("bash");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return spawn("/bin/sh");
  }
}

function follow(process: GroupProcess, bytesMax: number): Terminal {
  const decoder = new StringDecoder("utf8");
  const cleaner = createTextCleaner();
  const ended = Promise.withResolvers<TerminalExit>();
  let output = "";
  let truncated = false;
  let shown = "";
  let shownChars = 0;
  let watcher: { onText(text: string): void; onExit(exit: TerminalExit): void } | undefined;

  const show = (text: string) => {
    if (shownChars >= SHOWN_CHARS_MAX) return;
    const kept = text.slice(0, SHOWN_CHARS_MAX - shownChars);
    shownChars += kept.length;
    if (watcher === undefined) shown += kept;
    else if (kept !== "") watcher.onText(kept);
  };
  const add = (chunk: Buffer) => {
    output += decoder.write(chunk);
    // Cut only at twice the limit, so that not every chunk means a copy.
    if (output.length > 2 * bytesMax) {
      output = lastBytes(output, bytesMax);
      truncated = true;
    }
    show(cleaner.push(chunk));
  };
  const read = (async () => {
    try {
      for await (const chunk of process.stdout) add(chunk as Buffer);
    } catch {
      // the pipe was closed: no more output
    }
  })();

  const terminal: Terminal = {
    process,
    exit: null,
    ended: ended.promise,
    output() {
      const kept = lastBytes(output, bytesMax);
      return { output: kept, truncated: truncated || kept.length < output.length };
    },
    watch(onText, onExit) {
      if (watcher !== undefined) return;
      watcher = { onText, onExit };
      if (shown !== "") onText(shown);
      shown = "";
      if (terminal.exit !== null) onExit(terminal.exit);
    },
  };
  inBackground(async () => {
    const found = await finish(process, read);
    terminal.exit = { exitCode: found.code, signal: found.signal };
    ended.resolve(terminal.exit);
    show(cleaner.end());
    watcher?.onExit(terminal.exit);
  }, ignoreError);
  return terminal;
}

/** Time to read what is left in the pipe of a command that has exited. After that only its background processes hold it open. */
const DRAIN_MS = 150;

async function finish(process: GroupProcess, read: Promise<void>): Promise<ProcessExit> {
  const exit = await process.exited;
  await settlesWithin(read, DRAIN_MS);
  return exit;
}

/** The end of a text, cut between characters. */
function lastBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= bytesMax) return text;
  let start = bytes.length - bytesMax;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start).toString("utf8");
}
