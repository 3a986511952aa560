import type { Usage } from "../../../../protocol/usage.ts";
import type { AnswerEnd, ModelChunk } from "../model.ts";
import type { Loose } from "./loose.ts";

/** How an answer ended, according to the provider. */
export type Ending =
  /** `note`: for people, such as why the model refused. */
  | { kind: "whole"; end: AnswerEnd; note?: string | undefined }
  /** The answer is incomplete; `why` in a few words. */
  | { kind: "failed"; why: string };

/**
 * Reads the events of one answer, in any order, with repetitions and gaps. Unknown events are ignored. Never throws.
 */
export type WireReader = {
  /** Undefined: the event only shows that the server is alive. `name`: the event's name field. */
  read(event: Loose, name: string | undefined): readonly ModelChunk[] | undefined;
  /** The provider's error in whatever form; undefined if there was none. */
  error(): unknown;
  /** The server has announced its end. */
  done(): void;
  /** Undefined until the provider says how the answer ended. */
  ending(): Ending | undefined;
  /** Nothing relevant can follow: the connection need not be read to its end. */
  isOver(): boolean;
  /** The remaining chunks of what has arrived. */
  close(): readonly ModelChunk[];
  /** The usage reported so far; `noUsage` if none. */
  usage(): Usage;
  /** The answer is not complete: the provider waits to be asked to go on. */
  isPaused?(): boolean;
  /** Something in the text looks like a tool call but could not be parsed. */
  isCallLike?(): boolean;
  /** The server is an Ollama, by its own word. */
  isOllama?(): boolean;
  /** USD, if the provider reports it. */
  cost?(): number | undefined;
};
