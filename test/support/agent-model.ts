import type { ModelRequest, ModelServer, Piece, Reply, Script } from "./model-server.ts";
import { lastPrompt, say } from "./model-server.ts";

/** How a model calls an agent's own tools: every agent has other names and fields for the same four deeds. */
export type AgentTools = {
  /** A tool that only the agent's real requests offer: title, suggestion and memory requests have not got it. */
  telltale?: string;
  /** How those begin that are none of the conversation all the same. */
  aside?: RegExp;
  write(path: string, content: string): Piece;
  edit(path: string, before: string, after: string): Piece;
  shell(command: string): Piece;
  /** Within its sandbox; undefined where it has none. */
  bareShell?(command: string): Piece;
  read(path: string): Piece;
  /** Two entries, the first in progress; undefined where the agent has no such tool or tells nobody. */
  plan?(first: string, second: string): Piece;
};

const fileFields = (path: string) => ({ file_path: path });
/** codex changes files by patches, which are no JSON. */
const patched = (...lines: string[]): Piece => ({
  call: "apply_patch",
  input: ["*** Begin Patch", ...lines, "*** End Patch", ""].join("\n"),
});
const prefixed = (mark: string, text: string): string[] =>
  text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => mark + line);
/** Beyond its sandbox: that is what it asks about. */
const escalated = { sandbox_permissions: "require_escalated", justification: "It is needed." };

export const agentTools = {
  goose: {
    telltale: "todo__todo_write",
    write: (path, content) => ({ call: "write", input: { path, content } }),
    edit: (path, before, after) => ({ call: "edit", input: { path, before, after } }),
    shell: (command) => ({ call: "shell", input: { command } }),
    read: (path) => ({ call: "read", input: { path } }),
  },
  qwen: {
    telltale: "list_agents",
    aside: /^\[SUGGESTION MODE/,
    write: (path, content) => ({ call: "write_file", input: { ...fileFields(path), content } }),
    edit: (path, old_string, new_string) => ({
      call: "edit",
      input: { ...fileFields(path), old_string, new_string },
    }),
    shell: (command) => ({ call: "run_shell_command", input: { command, is_background: false } }),
    read: (path) => ({ call: "read_file", input: fileFields(path) }),
    plan: (first, second) => ({
      call: "todo_write",
      input: {
        todos: [
          { id: "1", content: first, status: "in_progress" },
          { id: "2", content: second, status: "pending" },
        ],
      },
    }),
  },
  opencode: {
    telltale: "todowrite",
    write: (filePath, content) => ({ call: "write", input: { filePath, content } }),
    edit: (filePath, oldString, newString) => ({ call: "edit", input: { filePath, oldString, newString } }),
    shell: (command) => ({ call: "bash", input: { command } }),
    read: (filePath) => ({ call: "read", input: { filePath } }),
    plan: (first, second) => ({
      call: "todowrite",
      input: {
        todos: [
          { content: first, status: "in_progress", priority: "high" },
          { content: second, status: "pending", priority: "low" },
        ],
      },
    }),
  },
  claude: {
    telltale: "Bash",
    // Behind the results of the last turn's calls, where there were any.
    aside: /^\[SUGGESTION MODE/m,
    write: (path, content) => ({ call: "Write", input: { ...fileFields(path), content } }),
    edit: (path, old_string, new_string) => ({
      call: "Edit",
      input: { ...fileFields(path), old_string, new_string },
    }),
    shell: (command) => ({ call: "Bash", input: { command } }),
    read: (path) => ({ call: "Read", input: fileFields(path) }),
  },
  codex: {
    // Its newer models are offered none.
    aside: /^(Your task is to generate a very short title|You are performing a CONTEXT CHECKPOINT)/,
    write: (path, content) => patched(`*** Add File: ${path}`, ...prefixed("+", content)),
    edit: (path, before, after) =>
      patched(`*** Update File: ${path}`, "@@", ...prefixed("-", before), ...prefixed("+", after)),
    shell: (cmd) => ({ call: "exec_command", input: { cmd, ...escalated } }),
    bareShell: (cmd) => ({ call: "exec_command", input: { cmd } }),
    read: (path) => ({ call: "exec_command", input: { cmd: `cat ${path}` } }),
  },
  gemini: {
    telltale: "write_file",
    write: (path, content) => ({ call: "write_file", input: { ...fileFields(path), content } }),
    edit: (path, old_string, new_string) => ({
      call: "replace",
      input: { ...fileFields(path), instruction: "Change it.", old_string, new_string },
    }),
    shell: (command) => ({ call: "run_shell_command", input: { command, description: "Runs it" } }),
    read: (path) => ({ call: "read_file", input: fileFields(path) }),
  },
  hearth: {
    telltale: "bash",
    write: (path, content) => ({ call: "write", input: { path, content } }),
    edit: (path, old, replacement) => ({ call: "edit", input: { path, edits: [{ old, new: replacement }] } }),
    shell: (command) => ({ call: "bash", input: { command } }),
    read: (path) => ({ call: "read", input: { path } }),
  },
} as const satisfies Record<string, AgentTools>;

const toolNames = (request: ModelRequest): string[] =>
  ((request.body["tools"] ?? []) as { name?: string; function?: { name?: string } }[]).map(
    (tool) => tool.function?.name ?? tool.name ?? "",
  );

/** The model behind one agent: scripted answers go to its real requests alone, whatever else it asks in between. */
export function createAgentModel(
  server: ModelServer,
  { telltale, aside }: Pick<AgentTools, "telltale" | "aside">,
) {
  const queue: (Reply | Script)[] = [];
  const requests: ModelRequest[] = [];
  const waiters = new Set<() => void>();
  let toAll: Reply | undefined;
  server.script((request, index) => {
    if (toAll !== undefined) return toAll;
    const isReal = telltale === undefined || toolNames(request).includes(telltale);
    if (!isReal || aside?.test(lastPrompt(request))) return say("A title");
    requests.push(request);
    for (const wake of waiters) wake();
    const next = queue.shift() ?? say("Done.");
    return typeof next === "function" ? next(request, index) : next;
  });
  return {
    requests: requests as readonly ModelRequest[],
    /** Answers to the agent's next real requests, one each. */
    enqueue: (...replies: (Reply | Script)[]) => void queue.push(...replies),
    /** To every request from now on, also to those for a title; undefined ends that. */
    answerAll(reply: Reply | undefined) {
      toAll = reply;
    },
    /** What a canceled turn did not ask for must not answer the next one. */
    forget: () => void queue.splice(0),
    /** Resolves when the agent has made so many real requests in all. */
    async asked(count: number): Promise<ModelRequest> {
      for (;;) {
        const found = requests[count - 1];
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiters.delete(wake);
            resolve();
          };
          waiters.add(wake);
        });
      }
    },
  };
}
export type AgentModel = ReturnType<typeof createAgentModel>;
