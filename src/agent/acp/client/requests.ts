import { ignoreError, inBackground } from "../../../async/in-background.ts";
import type { Turn, TurnHost } from "../../backend.ts";
import type { Verdict } from "../../permission/request.ts";
import type { WorkspacePath } from "../../workspace-path.ts";
import type { TurnCalls } from "../turn/calls.ts";
import { commandOf, folderOf, isFinal, kindOf, pathsOf, type TrackedCall } from "../turn/tool-call.ts";
import { numberOf, textOf, type Wire, wiresOf } from "../wire.ts";
import {
  ClientRefusal,
  findFile,
  INVALID_PARAMS,
  placeInside,
  REQUEST_CANCELLED,
  readLines,
  writeWhole,
} from "./files.ts";
import { proposedText } from "./proposed-text.ts";
import { type ClientTerminals, type TerminalRequest, terminalLine } from "./terminals.ts";

type ClientRequestsDeps = {
  turn: Turn;
  host: TurnHost;
  signal: AbortSignal;
  root: string;
  calls: TurnCalls;
  terminals: ClientTerminals;
};

/**
 * Serves an agent's requests for files and terminals, inside the session's root only. A request that an allowed tool
 * call covers is carried out. Any other is judged and shown like a call of hearth's own tools.
 */
export function createClientRequests({ turn, host, signal, root, calls, terminals }: ClientRequestsDeps) {
  /** Ids of terminals that a call already shows. */
  const shown = new Set<string>();

  function showTerminal(callId: string, terminalId: string) {
    if (shown.has(terminalId)) return;
    shown.add(terminalId);
    terminals.watch(
      terminalId,
      (text) => host.emit({ type: "tool_output", tool_call_id: callId, text }),
      ({ exitCode }) => calls.track(callId, { _meta: { terminal_exit: { exit_code: exitCode } } }),
    );
  }

  function throwIfCanceled() {
    if (signal.aborted) throw new ClientRefusal(REQUEST_CANCELLED, "The turn was canceled");
  }

  /** Adds a tool call for the request and has it judged. Throws ClientRefusal unless it is allowed. */
  async function authorizeNewCall(fields: Wire, what: string, aborted: AbortSignal): Promise<string> {
    const id = calls.announce(fields);
    const decision = await calls.judge(id, aborted);
    if (decision !== "allow") throw refusal(decision, what);
    return id;
  }

  async function readFile(params: Wire): Promise<{ content: string }> {
    const place = await placeInside(root, requiredText(params, "path"));
    const reading = [...calls.state.calls.values()].findLast(
      (call) => kindOf(call) === "read" && !isFinal(call),
    );
    const { decision } = await host.authorize(
      {
        tool_call_id: reading?.id ?? `${turn.run_id}_read`,
        tool: "read",
        kind: "read",
        title: place.shown,
        subject: { type: "path", access: "read", path: place.real },
      },
      signal,
    );
    if (decision !== "allow") throw refusal(decision, `reading ${place.shown}`);
    const range = { line: numberOf(params["line"]), limit: numberOf(params["limit"]) };
    return { content: await readLines(place, range, signal) };
  }

  async function writeFile(params: Wire, aborted: AbortSignal): Promise<Record<string, never>> {
    const path = requiredText(params, "path");
    const content = requiredText(params, "content");
    const place = await placeInside(root, path);
    const found = await findFile(place, signal);
    const diff = { type: "diff", path: place.real, oldText: found?.text ?? null, newText: content };
    const covering = await coveringWrite(place, content, found?.text ?? "");
    const own =
      covering === undefined
        ? await authorizeNewCall(
            { title: place.shown, name: "write", kind: "edit", content: [diff] },
            `writing ${place.shown}`,
            aborted,
          )
        : undefined;
    try {
      throwIfCanceled();
      await writeWhole(place, content, found);
    } catch (error) {
      if (own !== undefined) calls.track(own, { status: "failed" });
      throw error;
    }
    if (own !== undefined) calls.track(own, { status: "completed" });
    // Show what was really written, whatever the agent reports.
    else if (covering !== undefined) calls.track(covering.id, { content: [diff] });
    return {};
  }

  /** The allowed edit that covers this write: the same file, and the same content if the call gave its content. */
  async function coveringWrite(place: WorkspacePath, content: string, before: string) {
    for (const call of calls.allowed()) {
      if (kindOf(call) !== "edit") continue;
      const name = await nameOf(call, place);
      if (name === undefined) continue;
      const proposed = proposedText(call, name, before);
      if (proposed === undefined || sameLines(proposed, content)) return call;
    }
    return undefined;
  }

  /** The path by which a call names that file; undefined when it does not. */
  async function nameOf(call: TrackedCall, { real }: WorkspacePath): Promise<string | undefined> {
    for (const path of pathsOf(call)) {
      const place = await placeInside(root, path).catch(() => undefined);
      if (place?.real === real) return path;
    }
    return undefined;
  }

  async function createTerminal(params: Wire, aborted: AbortSignal): Promise<{ terminalId: string }> {
    const request = await terminalRequest(params, root);
    const line = terminalLine(request);
    const isCovered = calls.allowed().some((call) => {
      const isSame = kindOf(call) === "execute" && commandOf(call)?.trim() === line.trim();
      // The same command does something else in another folder.
      return isSame && folderOf(call, root) === request.cwd;
    });
    const rawInput = { command: line, cwd: request.cwd };
    const fields = { title: line, name: "shell", kind: "execute", rawInput };
    const own = isCovered ? undefined : await authorizeNewCall(fields, `running ${line}`, aborted);
    throwIfCanceled();
    const terminalId = await terminals.create(request, turn.run_id, turn.env);
    if (own !== undefined) {
      showTerminal(own, terminalId);
      inBackground(async () => {
        const { exitCode } = await terminals.exited(terminalId);
        calls.track(own, { status: exitCode === 0 ? "completed" : "failed" });
      }, ignoreError);
    }
    return { terminalId };
  }

  return {
    /** Links a call to the terminals it shows. */
    show(call: TrackedCall) {
      for (const item of call.content) {
        const id = item["type"] === "terminal" ? textOf(item["terminalId"]) : undefined;
        if (id !== undefined) showTerminal(call.id, id);
      }
    },
    /** Throws ClientRefusal. `aborted`: the turn was canceled, or the agent withdrew its request. */
    async answer(method: string, params: Wire, aborted: AbortSignal): Promise<unknown> {
      const terminalId = () => requiredText(params, "terminalId");
      switch (method) {
        case "terminal/output":
          return terminals.output(terminalId());
        case "terminal/wait_for_exit":
          return terminals.exited(terminalId());
        case "terminal/kill":
          terminals.kill(terminalId());
          return {};
        case "terminal/release":
          terminals.release(terminalId());
          return {};
      }
      throwIfCanceled();
      switch (method) {
        case "fs/read_text_file":
          return readFile(params);
        case "fs/write_text_file":
          return writeFile(params, aborted);
        case "terminal/create":
          return createTerminal(params, aborted);
        default:
          throw new ClientRefusal(METHOD_NOT_FOUND, `"Method not found": ${method}`);
      }
    },
  };
}

const METHOD_NOT_FOUND = -32601;

async function terminalRequest(params: Wire, root: string): Promise<TerminalRequest> {
  const args = Array.isArray(params["args"]) ? params["args"].filter((arg) => typeof arg === "string") : [];
  const env = wiresOf(params["env"]).flatMap(({ name, value }): [string, string][] => {
    const known = textOf(name);
    return known === undefined || known.startsWith("HEARTH_") ? [] : [[known, textOf(value) ?? ""]];
  });
  return {
    command: requiredText(params, "command"),
    args,
    env: Object.fromEntries(env),
    cwd: (await placeInside(root, textOf(params["cwd"]) ?? root)).real,
    outputBytes: numberOf(params["outputByteLimit"]),
  };
}

function requiredText(params: Wire, name: string): string {
  const value = textOf(params[name]);
  if (value === undefined) throw new ClientRefusal(INVALID_PARAMS, `${name} is missing`);
  return value;
}

const refusal = (decision: Exclude<Verdict["decision"], "allow">, what: string): ClientRefusal =>
  decision === "canceled"
    ? new ClientRefusal(REQUEST_CANCELLED, "The turn was canceled")
    : new ClientRefusal(INVALID_PARAMS, `${what} was not allowed`);

/** Ignores line endings and a trailing line break: agents differ there. */
const sameLines = (a: string, b: string): boolean =>
  a === b || a.replaceAll("\r\n", "\n").trimEnd() === b.replaceAll("\r\n", "\n").trimEnd();
