import type { PermissionDetail, PermissionMode, PermissionOption } from "../../../protocol/permission.ts";

/** What decides a question, gathered by whoever asks: the session's mode, the user's rules, and what was granted. */
export type Policy = {
  mode: PermissionMode;
  /** In the order of strength deny, ask, allow. A project's own configuration may add to `ask` and `deny` only. */
  rules: { allow: readonly string[]; ask: readonly string[]; deny: readonly string[] };
  /** What a person allowed before, in the syntax of rules. */
  grants: { session: readonly string[]; always: readonly string[] };
  /** Commands that only look at what is in the workspace: run unasked, or ask like any other. In plan mode they run. */
  harmlessCommands?: "allow" | "ask" | undefined;
  /** The session's root: the workspace, or its worktree. */
  root: string;
  home: string;
  /** hearth's own folders and socket. One that holds `root` does not protect what is inside `root`. */
  protectedPaths: readonly string[];
  /** Folders that count as inside, such as a private temp folder. */
  tempDirs?: readonly string[] | undefined;
};

export type Judgement =
  | { decision: "allow" }
  /** The model is told `message` and the turn goes on. */
  | { decision: "deny"; message: string }
  | {
      decision: "ask";
      detail: PermissionDetail;
      options: PermissionOption[];
      /** Asks in every mode; where nobody can answer it is not run, whatever the headless policy says (exit 4). */
      protected: boolean;
      /** The same short phrases as in `detail`. */
      reasons: string[];
    };

/** `unknown`: a program of which nothing is known has the path among its arguments. */
export type Access = "read" | "write" | "unknown";

/**
 * What speaks against running something unasked, from the gravest down:
 * - `deny`: a rule forbids it.
 * - `protected`: it asks in every mode and no rule or grant answers it.
 * - `rule`: an `ask` rule names it; asks in every mode.
 * - `opaque`: it cannot be told what it does.
 * - `special`: an ordinary wildcard rule does not reach it (a path outside, an option that runs something); a rule
 *   without wildcards that names exactly this does.
 * - `plain`: it needs a rule, a grant or a mode that lets it go.
 */
export type Severity = "deny" | "protected" | "rule" | "opaque" | "special" | "plain";

/**
 * `reason` is a short phrase for the person; empty where the question says all there is. `aside`: of a builtin that
 * starts nothing, such as `cd`; it counts only where nothing else is asked to be run.
 */
export type Finding = { severity: Severity; reason: string; aside?: boolean };
