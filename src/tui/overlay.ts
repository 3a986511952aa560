import type { Session } from "../protocol/session.ts";

/** A screen of its own over the conversation. Lists hold what was typed to filter them and the marked row. */
export type Overlay =
  | {
      kind: "sessions";
      query: string;
      index: number;
      found: readonly Session[] | undefined;
      isConfirming: boolean;
    }
  | { kind: "models"; query: string; index: number }
  | { kind: "agents"; query: string; index: number }
  | { kind: "help"; query: string; index: number };
