import type { PermissionMode } from "../../protocol/permission.ts";
import type { TaskBody } from "../../protocol/routes/tasks.ts";
import type { Isolation } from "../../protocol/session.ts";
import { UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { readNumber, textOf } from "../run/options.ts";

export type TaskOptions = ReturnType<typeof readTaskOptions>;

/** What `hearth arena` and `hearth task run` have in common. Throws UsageError. */
export function readTaskOptions({ options }: Parsed) {
  const policy = textOf(options["permission-mode"]);
  const positive = (name: string): number | undefined => {
    const value = readNumber(name, options[name]);
    if (value !== undefined && !(value > 0)) throw new UsageError(`--${name} takes a number above 0.`);
    return value;
  };
  const whole = (name: string): number | undefined => {
    const value = positive(name);
    if (value !== undefined && !Number.isInteger(value))
      throw new UsageError(`--${name} takes a whole number from 1.`);
    return value;
  };
  const seconds = positive("timeout");
  return {
    isJson: options["json"] === true,
    timeoutMs: seconds === undefined ? undefined : Math.min(seconds * 1000, 2 ** 31 - 1),
    body: {
      isolation: textOf(options["isolation"]) as Isolation | undefined,
      check: textOf(options["check"]),
      judge: textOf(options["judge"]),
      mode: (policy === "deny" ? "ask" : policy) as PermissionMode | undefined,
      on_question: policy === "deny" ? "deny" : "fail",
      max_steps: whole("max-steps"),
      max_cost: positive("max-cost"),
      max_parallel: whole("max-parallel"),
      on: textOf(options["on"]),
      container: textOf(options["in"]),
    } satisfies Partial<TaskBody>,
  };
}

/** `a,b,c`, in that order. Throws UsageError. */
export function readAgents(text: string | undefined): string[] {
  const agents = (text ?? "").split(",").map((name) => name.trim());
  if (text === undefined || agents.some((name) => name === ""))
    throw new UsageError("--agents takes names with commas between them, as in --agents goose,hearth@high.");
  return agents;
}
