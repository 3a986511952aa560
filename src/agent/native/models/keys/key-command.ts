import { execFile } from "node:child_process";
import { HearthError } from "../../../../protocol/errors.ts";
import { createBoundedMap } from "../../../bounded-map.ts";

/** A helper may ask a password manager, not a person. */
const COMMAND_MS_MAX = 15_000;
const OUTPUT_BYTES_MAX = 64 * 1024;
/** Short-lived keys are asked for again; a turn with many steps asks once. */
const REMEMBER_MS = 5 * 60_000;
const COMMANDS_MAX = 50;

type Env = Readonly<Record<string, string>>;

/** Runs the helper commands of `api_key: "cmd:…"` and remembers what they said, in memory only. */
export function createKeyCommands(now: () => number, commandMs = COMMAND_MS_MAX) {
  const known = createBoundedMap<string, { at: number; key: Promise<string> }>(COMMANDS_MAX);

  const run = (command: string, from: string, env: Env): Promise<string> =>
    new Promise((resolve, reject) => {
      const fail = (why: string) =>
        reject(
          new HearthError(
            "provider_auth",
            `The command in ${from} gave no key: ${why}. Run it in a terminal to see why.`,
          ),
        );
      execFile(
        "/bin/sh",
        ["-c", command],
        { env, timeout: commandMs, killSignal: "SIGKILL", maxBuffer: OUTPUT_BYTES_MAX },
        (error, stdout, stderr) => {
          const said = stderr.trim().split("\n")[0]?.slice(0, 200) ?? "";
          if (error?.killed) return fail(`it took longer than ${Math.round(commandMs / 1000)} s`);
          if (error !== null) return fail(said === "" ? `it ended with ${error.code ?? error.signal}` : said);
          const key = stdout.trim();
          if (key === "") return fail("it printed nothing");
          if (/\s/.test(key)) return fail("it printed more than one word");
          resolve(key);
        },
      ).stdin?.end();
    });

  return {
    /** The key that the command prints. Throws HearthError provider_auth. */
    async keyOf(command: string, from: string, env: Env): Promise<string> {
      const before = known.get(command);
      if (before && now() - before.at < REMEMBER_MS) return before.key;
      const key = run(command, from, env);
      known.set(command, { at: now(), key });
      key.catch(() => known.delete(command));
      return key;
    },
    /** The provider has refused what it said. */
    forget: (command: string) => void known.delete(command),
  };
}
export type KeyCommands = ReturnType<typeof createKeyCommands>;
