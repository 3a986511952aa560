import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { promisify } from "node:util";
import type { Connection } from "../client/connect.ts";
import type { Health } from "../protocol/routes/daemon.ts";
import { BUILD, VERSION } from "../protocol/version.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { exitCodes, sentenceOf } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { formatElapsed, formatTable } from "./output/format.ts";

type Finding = {
  name: string;
  /** `warning`: hearth works without it. */
  status: "ok" | "warning" | "error";
  text: string;
};
const finding = (name: string, status: Finding["status"], text: string): Finding => ({ name, status, text });

const TOOL_MS = 5000;

/** `hearth doctor`: checks everything that hearth depends on. Exit code 1 if something does not work. */
export async function doctor({ options }: Parsed, context: Context): Promise<number> {
  const { out } = context;
  const config = await checkConfig(context);
  const broken = config.find(({ status }) => status === "error")?.text;
  const findings: Finding[] = [
    finding("node", "ok", `${process.version} at ${process.execPath}`),
    finding("hearth", "ok", `${VERSION}, build ${BUILD}, ${context.launcher}`),
    ...config,
    ...(await checkDaemon(context, broken)),
    await checkTool("git", ["--version"], "without it agents do not see branch, changes and commits"),
    checkTerminal(context),
  ];
  if (options["json"] === true) await out.json(findings, 2);
  else {
    const marks = { ok: "ok", warning: "!", error: "✗" };
    const rows = findings.map(({ name, status, text }) => [marks[status], name, text]);
    await out.write(formatTable(rows));
  }
  return findings.some(({ status }) => status === "error") ? exitCodes.failed : exitCodes.done;
}

async function checkConfig({ paths, cwd }: Context): Promise<Finding[]> {
  const { loadConfig } = await import("../server/config/load.ts");
  try {
    const { sources, warnings } = loadConfig({ paths, root: cwd() });
    const files = sources.map(({ path, exists }) => `${path}${exists ? "" : " (none)"}`).join(", ");
    return [finding("config", "ok", files), ...warnings.map((text) => finding("config", "warning", text))];
  } catch (error) {
    return [finding("config", "error", sentenceOf(error))];
  }
}

/** Checks the daemon, its store and its agents. */
async function checkDaemon(context: Context, broken: string | undefined): Promise<Finding[]> {
  const { database } = context.paths;
  try {
    return await connectHere(context, async (connection) => {
      const query = { checks: "true" } as const;
      const { version, pid, started_at, sandbox } = await connection.request("GET /v1/health", { query });
      const up = formatElapsed(Date.now() - Date.parse(started_at));
      return [
        finding("daemon", "ok", `hearth ${version}, pid ${pid}, up ${up}, ${connection.socketPath()}`),
        ...(connection.notice === null ? [] : [finding("daemon", "warning", connection.notice)]),
        finding("store", "ok", `${database}, ${(statSync(database).size / 1e6).toFixed(1)} MB`),
        ...(await checkAgents(connection, broken)),
        sandboxFinding(sandbox),
      ];
    });
  } catch (error) {
    return [finding("daemon", "error", sentenceOf(error))];
  }
}

/** hearth's own agent must be usable; other agents are optional. */
async function checkAgents(connection: Connection, broken: string | undefined): Promise<Finding[]> {
  const params = { wid: connection.workspace.id };
  const { agents } = await connection.request("GET /v1/workspaces/{wid}/agent", { params });
  // An agent that is not installed is not a fault.
  const here = agents.filter(({ status }) => status !== "not_installed");
  return here.map(({ name, backend, status, model, reason, fix, notice }) => {
    if (notice !== undefined) return finding(`agent ${name}`, "warning", notice);
    if (status === "ready")
      return finding(`agent ${name}`, "ok", model === null ? "ready" : `ready, ${model}`);
    if (reason !== null && reason === broken)
      return finding(`agent ${name}`, "error", "cannot be checked until the configuration can be read");
    const text = [reason ?? status.replaceAll("_", " "), ...(fix === null ? [] : [`→ ${fix}`])].join(" ");
    return finding(`agent ${name}`, backend === "native" ? "error" : "warning", text);
  });
}

function sandboxFinding(sandbox: Health["sandbox"]): Finding {
  if (sandbox?.state === "sandboxed")
    return finding("sandbox", "ok", "sandboxed: commands of hearth's own agent run in bubblewrap");
  const why = sandbox?.reason ? `: ${sandbox.reason}` : "";
  const text = `commands run unsandboxed${why}; only the permission mode and rules restrict them`;
  return finding("sandbox", "warning", text);
}

async function checkTool(name: string, args: string[], purpose: string): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)(name, args, { timeout: TOOL_MS });
    return finding(name, "ok", stdout.trim());
  } catch {
    return finding(name, "warning", `${name} is not on PATH: ${purpose}`);
  }
}

function checkTerminal({ env, out }: Context): Finding {
  const isAsked = env["HEARTH_TERMINAL"] === "1"; // by a terminal that shows this output
  if (!isAsked && !out.isTerminal()) return finding("terminal", "ok", "stdout is not a terminal");
  const columns = isAsked ? env["COLUMNS"] : process.stdout.columns;
  const rows = isAsked ? env["LINES"] : process.stdout.rows;
  const about = [`${columns}×${rows}`, env["TERM"], env["COLORTERM"], env["TERM_PROGRAM"]];
  if (env["TMUX"]) about.push("in tmux");
  if (env["NO_COLOR"] && !isAsked) about.push("NO_COLOR");
  const text = about.filter(Boolean).join(", ");
  if (env["TERM"] === "dumb") return finding("terminal", "warning", `${text}: it cannot redraw text`);
  return finding("terminal", "ok", text);
}
