// The entry point of the bundle. Everything but the command line parser is loaded on demand.
import { inBackground } from "../async/in-background.ts";
import { launcherHere, pathsHere } from "../client/here.ts";
import { HearthError } from "../protocol/errors.ts";
import type { Paths } from "../protocol/paths.ts";
import { VERSION } from "../protocol/version.ts";
import type { Context } from "./context.ts";
import { exitCodeOf, exitCodes, sentenceOf, UsageError } from "./exit.ts";
import { parseCommandLine } from "./line/parse.ts";
import type { Parsed } from "./line/spec.ts";
import { createOutput } from "./output/output.ts";

type Command = (parsed: Parsed, context: Context) => Promise<number>;

/** The loader of each command, by its first word. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  "": async () => (await import("./terminal/open.ts")).open,
  run: async () => (await import("./run/run.ts")).run,
  attach: async () => (await import("./terminal/attach.ts")).attach,
  arena: async () => (await import("./tasks/arena.ts")).arena,
  task: async () => (await import("./tasks/task.ts")).task,
  sessions: async () => (await import("./sessions/sessions.ts")).sessions,
  agents: async () => (await import("./agents.ts")).agents,
  models: async () => (await import("./models.ts")).models,
  mcp: async () => (await import("./mcp.ts")).mcp,
  login: async () => (await import("./login.ts")).login,
  setup: async () => (await import("./setup.ts")).setup,
  logout: async () => (await import("./login.ts")).login,
  jobs: async () => (await import("./jobs.ts")).jobs,
  changes: async () => (await import("./changes/changes.ts")).changes,
  undo: async () => (await import("./changes/undo.ts")).undo,
  redo: async () => (await import("./changes/undo.ts")).undo,
  permissions: async () => (await import("./permissions.ts")).permissions,
  request: async () => (await import("./request.ts")).request,
  usage: async () => (await import("./usage.ts")).usage,
  acp: async () => (await import("./acp.ts")).acp,
  daemon: async () => (await import("./daemon/daemon.ts")).daemon,
  serve: async () => (await import("./daemon/serve.ts")).serve,
  config: async () => (await import("./config.ts")).config,
  doctor: async () => (await import("./doctor.ts")).doctor,
  completion: async () => (await import("./line/completion.ts")).completion,
};

async function main(argv: readonly string[], context: Context): Promise<number> {
  if (process.platform === "win32") {
    throw new UsageError("hearth runs on Linux and macOS: on Windows install and start it inside WSL.");
  }
  const asked = parseCommandLine(argv);
  if (asked.kind === "version") {
    await context.out.line(VERSION);
    return exitCodes.done;
  }
  if (asked.kind === "help") {
    const { helpText } = await import("./line/help.ts");
    await context.out.write(helpText(asked.path, process.stdout.columns));
    return exitCodes.done;
  }
  const load = loaders[asked.parsed.command.path[0] ?? ""];
  if (load === undefined) throw new Error(`no loader for ${asked.parsed.command.path.join(" ")}`);
  const command = await load();
  return command(asked.parsed, context);
}

/** Exits once all output is flushed. */
async function finish(code: number, { out, err }: Context): Promise<never> {
  await out.flush();
  await err.flush();
  process.exit(code);
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    const message = "The directory that this shell is in no longer exists: change to another and try again.";
    throw new HearthError("not_a_directory", message, { cause });
  }
}

let paths: Paths | undefined;
const context: Context = {
  env: process.env,
  cwd: currentDirectory,
  get paths() {
    paths ??= pathsHere(process.env);
    return paths;
  },
  get launcher() {
    return launcherHere();
  },
  out: createOutput(
    () => process.stdout,
    ({ code, message }) => {
      // The reader has gone (`| head`). Work asked of the daemon goes on there.
      if (code === "EPIPE") process.exit(exitCodes.done);
      const end = () => process.exit(exitCodes.failed);
      inBackground(async () => {
        await context.err.line(`hearth: The output could not be written: ${message}.`);
        await finish(exitCodes.failed, context);
      }, end);
    },
  ),
  err: createOutput(
    () => process.stderr,
    () => {},
  ),
};
main(process.argv.slice(2), context).then(
  (code) => finish(code, context),
  async (error: unknown) => {
    await context.err.line(`hearth: ${sentenceOf(error)}`);
    await finish(exitCodeOf(error), context);
  },
);
