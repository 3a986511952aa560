import type { Usage } from "../../../../protocol/usage.ts";
import type { Loose } from "../loose.ts";
import type { AnswerEnd, ModelChunk } from "../model.ts";

/** How the provider says that an answer ended. */
export type Ending =
  /** `note`: what a person should know of it, such as why the model refused. */
  | { kind: "whole"; end: AnswerEnd; note?: string | undefined }
  /** The answer is no whole one; `why` in a few words. */
  | { kind: "failed"; why: string };

/**
 * Reads the events of one answer, whatever their order, their repetitions and their gaps: what it does not know it
 * leaves out. It never throws.
 */
export type WireReader = {
  /** Undefined: the event is only a sign that the server is there. `name`: the event's own, beside its data. */
  read(event: Loose, name: string | undefined): readonly ModelChunk[] | undefined;
  /** What the provider has told of as an error, whatever its form; undefined while it has not. */
  error(): unknown;
  /** The server said that it says no more. */
  done(): void;
  /** Undefined while the provider has not said how the answer ends. */
  ending(): Ending | undefined;
  /** Nothing that matters can follow: the connection need not be read to its end. */
  isOver(): boolean;
  /** What is left to say of what has come. */
  close(): readonly ModelChunk[];
  /** As far as the provider has told; `noUsage` when it has told nothing. */
  usage(): Usage;
  /** Something in the text looks like a call of a tool and could not be read as one. */
  isCallLike?(): boolean;
  /** USD, where the provider says itself what it takes. */
  cost?(): number | undefined;
};
