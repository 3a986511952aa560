import { splitEffort } from "../../protocol/model-effort.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import { UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { remoteAddressOf } from "../remote.ts";

export type RunOptions = ReturnType<typeof readRunOptions>;

/** The options of `hearth run`. Throws UsageError. */
export function readRunOptions({ options }: Parsed) {
  const policy = options["permission-mode"];
  if (options["continue"] && options["session"])
    throw new UsageError("Give --continue or --session, not both.");
  const isDisposable = options["disposable"] === true;
  const address = remoteAddressOf(options);
  const lasting = ["continue", "session", "permission-mode", "remote"].find(
    (name) => options[name] !== undefined,
  );
  if (isDisposable && lasting !== undefined) {
    const why =
      lasting === "permission-mode"
        ? "it allows everything"
        : lasting === "remote"
          ? "its daemon is this command's own"
          : "its session ends with it";
    throw new UsageError(`--disposable does not go with --${lasting}: ${why}.`);
  }
  const seconds = readNumber("timeout", options["timeout"]);
  if (seconds !== undefined && !(seconds > 0))
    throw new UsageError("--timeout takes a number of seconds above 0.");
  const maxSteps = readNumber("max-steps", options["max-steps"]);
  if (maxSteps !== undefined && !(Number.isInteger(maxSteps) && maxSteps >= 1)) {
    throw new UsageError("--max-steps takes a whole number from 1.");
  }
  const maxCost = readNumber("max-cost", options["max-cost"]);
  if (maxCost !== undefined && !(maxCost > 0))
    throw new UsageError("--max-cost takes an amount of USD above 0.");
  return {
    format: textOf(options["format"]) ?? "text",
    agent: textOf(options["agent"]),
    model: withChosenEffort(textOf(options["model"]), textOf(options["effort"])),
    session: textOf(options["session"]),
    goOn: options["continue"] === true,
    isolation: textOf(options["isolation"]) as "in_place" | "worktree" | undefined,
    container: textOf(options["in"]),
    isDisposable,
    address,
    sendsKeys: options["send-keys"] === true,
    mode: (isDisposable ? "yolo" : policy === "deny" ? "ask" : policy) as PermissionMode | undefined,
    onQuestion: policy === "deny" ? ("deny" as const) : ("fail" as const),
    maxSteps,
    maxCost,
    timeoutMs: seconds === undefined ? undefined : Math.min(seconds * 1000, 2 ** 31 - 1),
    trajectory: textOf(options["trajectory"]),
    trust: textOf(options["trust"]),
    isVerbose: options["verbose"] === true,
  };
}

/** `--model` with `--effort`; an effort alone is for the model that there is. Throws UsageError. */
export function withChosenEffort(model: string | undefined, effort: string | undefined): string | undefined {
  if (effort === undefined) return model;
  if (!/^[a-z]+$/.test(effort))
    throw new UsageError(`--effort takes a word such as low or high, not "${effort}".`);
  return `${model === undefined ? "" : (splitEffort(model).model ?? "")}@${effort}`;
}

export const textOf = (value: string | true | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

export function readNumber(name: string, value: string | true | undefined): number | undefined {
  if (typeof value !== "string") return undefined;
  const number = value.trim() === "" ? Number.NaN : Number(value);
  if (!Number.isFinite(number)) throw new UsageError(`--${name} takes a number, not "${value}".`);
  return number;
}
