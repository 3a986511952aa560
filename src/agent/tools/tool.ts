import type { z } from "zod";
import type { ToolKind, ToolView } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan.ts";
import type { SessionContainer } from "../backend.ts";
import type { PersonAnswer, PersonQuestion } from "../permission/person-question.ts";
import type { PermissionSubject } from "../permission/request.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import type { Confinement } from "../sandbox/sandbox.ts";
import type { SubagentEnd, SubagentTask } from "../subagent.ts";
import type { Arguments } from "./arguments.ts";

/** `text` is for the model, `view` for the screen. */
export type ToolResult = { text: string; isError?: boolean; view?: ToolView; files?: readonly ToolFile[] };

/** A file that the model sees itself, if it can; `data` is base64. */
export type ToolFile = { name: string; media_type: string; data: string };

/** A file as the model last saw it, or as a tool left it. `text` is for a diff of later changes. */
export type SeenFile = { mtimeMs: number; size: number; hash: string; text?: string | undefined };

/** Shared between the calls of one session; see file-ledger.ts. */
export type FileLedger = {
  /** Remembers what the model has seen of a file (real path). */
  note(path: string, seen: SeenFile): void;
  seen(path: string): SeenFile | undefined;
};

/** What a call can do in its session. */
export type ToolSession = {
  /** Shows the model's plan to the person. */
  showPlan(entries: Plan["entries"]): void;
  /** Asks the person about this call. */
  ask(question: Omit<PersonQuestion, "tool_call_id">): Promise<PersonAnswer>;
  /** Lets a sub-agent do a task; null: the run is ending. */
  delegate(
    task: Omit<SubagentTask, "tool_call_id">,
    onProgress: (text: string) => void,
  ): Promise<SubagentEnd | null>;
};

/** For a command that a person typed: no model takes part. */
export const noSession: ToolSession = {
  showPlan: () => {},
  ask: async () => ({ kind: "nobody" }),
  delegate: async () => null,
};

export type ToolContext = {
  /** The session's root: relative paths start here. */
  root: string;
  session_id: string;
  run_id: string;
  tool_call_id: string;
  env: Readonly<Record<string, string>>;
  files: FileLedger;
  processes: ProcessSupervisor;
  /** Where commands run, if not on this machine. */
  container?: SessionContainer | undefined;
  session: ToolSession;
  /** Streams output to the screen while the tool runs. */
  onOutput(text: string): void;
  signal: AbortSignal;
};

/**
 * A prepared call: the permission it needs, and the work itself. Nothing is changed before `run`. `run` applies the diff
 * that the question shows, or fails.
 */
export type PreparedCall = {
  /** undefined if it needs none. */
  permission?: CallPermission;
  run(how?: RunHow): Promise<ToolResult>;
};

/** `title`: what the question is about; the call's own by default. */
export type CallPermission = { tool: string; subject: PermissionSubject; title?: string };

/** GPT models are trained on other tools for changing files. */
export type ToolReaders = "gpt" | "others";

/** What the permission came with. */
export type Allowed = {
  sandbox?: Confinement | undefined;
  /** The host of the address may lie in this machine or network. */
  privateHost?: boolean | undefined;
};
export type RunHow = Allowed & {
  /** Judges what the call turns out to need besides. Throws CallEnded if that is not allowed. */
  authorize?(permission: CallPermission): Promise<Allowed>;
};

/** Thrown through a running call. `denied`: what the model is told; undefined: the run is ending. */
export class CallEnded extends Error {
  readonly denied: string | undefined;

  constructor(denied: string | undefined) {
    super(denied ?? "The run is ending.");
    this.denied = denied;
  }
}

export type Tool<Input = unknown> = {
  name: string;
  /** Only models of this family are told of it, or only others; undefined: all. It can be called by all. */
  offeredTo?: ToolReaders;
  kind: ToolKind;
  /** For the model; under 600 characters. */
  description: string;
  input: z.ZodType<Input>;
  /** The schema for the model, if it is not the one of `input`. */
  schema?: Record<string, unknown> | undefined;
  /** Maps arguments in the style of other agents' tools; called before `input` validates them. */
  normalize?(given: Arguments): Arguments;
  /** One line for the screen: the path, the pattern, the command. Must cope with partial input. */
  title(input: Partial<Input>): string;
  /** The files that a call names, if not as `path`. Must cope with partial input. */
  paths?(input: Partial<Input>): readonly string[];
  /** Read-only calls of one step run side by side, the rest one after the other. */
  readOnly: boolean;
  /** The same call with another command, for a person who edits it in the question. */
  withCommand?(input: Input, command: string): Input;
  prepare(input: Input, context: ToolContext): Promise<PreparedCall | ToolResult>;
};

/** Ties `input` to the type of `prepare`'s first argument. */
export const defineTool = <Input>(tool: Tool<Input>): Tool<Input> => tool;
