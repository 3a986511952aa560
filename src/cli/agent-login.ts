import { spawn } from "node:child_process";
import type { AgentLogin } from "../protocol/agent.ts";
import { askLine } from "./ask-line.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes, UsageError } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { withoutEscapes } from "./output/printable.ts";

/** `hearth agents login NAME`: a login of the agent's own, in this terminal or by the agent itself. */
export async function agentLogin({ options, positionals }: Parsed, context: Context): Promise<ExitCode> {
  const { out, err } = context;
  const name = positionals[0] ?? "";
  return connectHere(context, async ({ request, workspace }) => {
    const params = { wid: workspace.id, name };
    const { logins } = await request("GET /v1/workspaces/{wid}/agent/{name}/logins", { params });
    const asked = typeof options["method"] === "string" ? options["method"] : undefined;
    const login = await chosen(name, logins, asked);
    if (login.terminal === null) await err.line(`hearth: ${name} logs in: ${shown(login.name)} …`);
    else if (!(await ranWell(login.terminal, context))) {
      await err.line(`hearth: The login did not succeed; nothing has changed for ${name}.`);
      return exitCodes.failed;
    }
    const { agent } = await request("POST /v1/workspaces/{wid}/agent/{name}/login", {
      params,
      body: { id: login.id },
    });
    if (options["json"] === true) await out.json(agent, 2);
    else if (agent.status === "ready") await out.line(`${name} is logged in and ready.`);
    else await out.line(`${name} cannot be used yet: ${shown(agent.reason ?? agent.status)}.`);
    return agent.status === "ready" ? exitCodes.done : exitCodes.unusable;
  });
}

/** Texts that an agent has written. */
const shown = (text: string): string => withoutEscapes(text).replaceAll("\n", " ");

async function chosen(
  name: string,
  logins: readonly AgentLogin[],
  asked: string | undefined,
): Promise<AgentLogin> {
  const [first, ...others] = logins;
  if (first === undefined)
    throw new UsageError(`${name} names no way to log in: it takes its key from its own settings.`);
  const list = logins.map((login, at) => {
    const about = login.description === null ? "" : `: ${shown(login.description)}`;
    return `  ${at + 1}  ${shown(login.name)}${about}  (--method ${shown(login.id)})`;
  });
  const fits = (text: string) => logins.find(({ id }, at) => id === text || String(at + 1) === text);
  if (asked !== undefined) {
    const found = logins.find(({ id }) => id === asked);
    if (found !== undefined) return found;
    throw new UsageError(`${name} has no login "${asked}". There are:\n${list.join("\n")}`);
  }
  if (others.length === 0) return first;
  if (!process.stdin.isTTY)
    throw new UsageError(`${name} has several ways to log in; choose one with --method:\n${list.join("\n")}`);
  const answer = await askLine(`${list.join("\n")}\nWhich one? [1] `);
  const found = answer === "" ? first : fits(answer);
  if (found === undefined) throw new UsageError(`There is no "${answer}" among them.`);
  return found;
}

/** Runs the agent's program with this terminal as its own. */
async function ranWell(
  { command: [program = "", ...args], env }: NonNullable<AgentLogin["terminal"]>,
  context: Context,
): Promise<boolean> {
  await context.err.line(`hearth: runs ${shown([program, ...args].join(" "))}`);
  const child = spawn(program, args, { stdio: "inherit", env: { ...context.env, ...env } });
  // Ctrl+C is for the login, which ends by itself.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    return await new Promise<boolean>((resolve) => {
      child.once("error", () => resolve(false));
      child.once("close", (code) => resolve(code === 0));
    });
  } finally {
    process.off("SIGINT", ignore);
  }
}
