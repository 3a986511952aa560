import type { SessionId } from "../protocol/ids.ts";
import type { ToolCallPart } from "../protocol/message.ts";
import type { Permission } from "../protocol/permission.ts";
import type { Update } from "./update.ts";

/** One possible answer to a question. */
export type Answer = { id: string; name: string; kind: "allow_once" | "allow_always" | "reject_once" };

/** A question that the editor shows with its possible answers. */
export type Question = {
  permission: Permission;
  answers: readonly Answer[];
  /** The call that it is about; undefined if it is not known here, as with a sub-agent's. */
  call: ToolCallPart | undefined;
  /** The folder that its paths are relative to. */
  root: string;
};

/** The editor, in whatever version of the protocol it speaks. */
export type Editor = {
  /** It can show a form, for an answer in the person's own words. */
  readonly hasForms: boolean;
  /** It wants to be told of its own prompts, too. */
  readonly tellsOwn: boolean;
  /** The reply that opens a session has its commands. */
  readonly hasCommands: boolean;
  /** A file's text as the person sees it; undefined if the editor does not say, or is slow. */
  readText(sessionId: SessionId, path: string): Promise<string | undefined>;
  /** Resolves when it is written, so that an editor that does not read slows its own sessions only. */
  update(sessionId: SessionId, update: Update): Promise<void>;
  /** The id of the chosen answer; undefined if the person chose none. Aborting withdraws the question. */
  choose(sessionId: SessionId, question: Question, signal: AbortSignal): Promise<string | undefined>;
  /** The person's answer in words; undefined for none. */
  write(sessionId: SessionId, permission: Permission, signal: AbortSignal): Promise<string | undefined>;
};
