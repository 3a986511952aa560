import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { PermissionSubject } from "../../src/agent/permission/request.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import { createTools, type ToolsOptions } from "../../src/agent/tools/catalog.ts";
import { createJobs } from "../../src/agent/tools/command/jobs.ts";
import { createFileLedger } from "../../src/agent/tools/files/file-ledger.ts";
import {
  noSession,
  type PreparedCall,
  type ToolContext,
  type ToolResult,
} from "../../src/agent/tools/tool.ts";

/** The tools on a real folder, without a model: what a run of the native agent gives them. */
export function createToolBench(options: ToolsOptions = {}) {
  const home = mkdtempSync(join(tmpdir(), "hearth-tools-"));
  const root = join(home, "workspace");
  mkdirSync(root);
  const processes = createProcessSupervisor({ recordDir: join(home, "run"), killAfterMs: 300 });
  const jobs = createJobs(processes.stopOwner);
  const tools = new Map(createTools({ jobs, ...options }).map((tool) => [tool.name, tool]));
  const shown: string[] = [];
  const context: ToolContext = {
    root,
    session_id: "ses_bench",
    run_id: "run_bench",
    tool_call_id: "call_1",
    env: { PATH: process.env["PATH"] ?? "", HOME: home },
    files: createFileLedger(),
    processes,
    session: noSession,
    onOutput: (text) => void shown.push(text),
    signal: new AbortController().signal,
  };
  const toolNamed = (name: string) => {
    const tool = tools.get(name);
    if (tool === undefined) throw new Error(`there is no tool ${name}`);
    return tool;
  };
  /** Up to the question for permission. */
  const prepare = async (name: string, input: unknown, more: Partial<ToolContext> = {}) => {
    const tool = toolNamed(name);
    return tool.prepare(tool.input.parse(input), { ...context, ...more });
  };
  return {
    home,
    jobs,
    root,
    context,
    tools,
    /** What went to the screen. */
    shown,
    prepare,
    async prepared(name: string, input: unknown, more: Partial<ToolContext> = {}): Promise<PreparedCall> {
      const call = await prepare(name, input, more);
      if (!("run" in call)) throw new Error(call.text);
      return call;
    },
    async call(name: string, input: unknown, more: Partial<ToolContext> = {}): Promise<ToolResult> {
      const call = await prepare(name, input, more);
      return "run" in call ? call.run() : call;
    },
    async subject(name: string, input: unknown): Promise<PermissionSubject | undefined> {
      const call = await prepare(name, input);
      return "run" in call ? call.permission?.subject : undefined;
    },
    /** Writes a file of the workspace without any tool; answers with its path. */
    put(path: string, content: string | Buffer): string {
      const full = join(root, path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
      return full;
    },
    async close(): Promise<void> {
      await processes.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
export type ToolBench = ReturnType<typeof createToolBench>;
