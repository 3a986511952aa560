import { createHash } from "node:crypto";
import { join } from "node:path";
import { startTimeOf } from "../../client/process-identity.ts";
import type { Paths } from "../../protocol/paths.ts";
import type { Atom } from "../editor/atoms.ts";
import type { ModeName } from "../input/modes.ts";
import { openSmallFile } from "./small-file.ts";

/** What the next hearth on this terminal needs if this one is killed. */
export type TerminalFile = {
  /** What a hearth that was killed on this terminal left; a clean end removes it. */
  left: { modes: readonly ModeName[]; draft: readonly Atom[] } | undefined;
  modes(active: readonly ModeName[]): void;
  /** Saves the draft after a pause in typing; `flush` saves it at once. */
  draft(atoms: readonly Atom[]): void;
  flush(): void;
  /** A clean end: only the draft is kept. */
  close(): void;
};

type Content = { pid: number; started: string; modes: readonly ModeName[]; draft: readonly Atom[] };

const DRAFT_PAUSE_MS = 300;
/** A larger draft (with a pasted log or an image) is not saved after every pause. */
const DRAFT_CHARS_MAX = 500_000;

/** One file for each terminal and directory, in the state folder. */
export function openTerminalFile(
  paths: Pick<Paths, "stateDir">,
  terminal: { label: string; cwd: string; platform: string },
): TerminalFile {
  const { label, cwd, platform } = terminal;
  const name = createHash("sha256").update(`${label}\0${cwd}`).digest("hex").slice(0, 16);
  const file = openSmallFile(join(paths.stateDir, "terminals", `${name}.json`));
  const before = parse(file.read());
  // Another hearth on the same terminal is still alive, stopped with Ctrl+Z: its file is left alone.
  const isOthers = before !== undefined && startTimeOf(before.pid, platform) === before.started;
  const started = startTimeOf(process.pid, platform) ?? "";
  let content: Content = { pid: process.pid, started, modes: [], draft: [] };
  let given: readonly Atom[] = content.draft;
  let timer: NodeJS.Timeout | undefined;

  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    if (!isOthers) file.write(content.modes.length === 0 && content.draft.length === 0 ? undefined : content);
  };
  return {
    left: before === undefined || isOthers ? undefined : { modes: before.modes, draft: before.draft },
    modes(active) {
      content = { ...content, modes: active };
      write();
    },
    draft(atoms) {
      if (atoms === given) return;
      given = atoms;
      const size = atoms.reduce((sum, atom) => sum + (typeof atom === "string" ? 1 : sizeOf(atom)), 0);
      content = { ...content, draft: size > DRAFT_CHARS_MAX ? [] : atoms };
      timer ??= setTimeout(write, DRAFT_PAUSE_MS);
    },
    flush: write,
    close() {
      content = { ...content, modes: [] };
      write();
    },
  };
}

const sizeOf = (atom: Exclude<Atom, string>): number =>
  atom.text.length + ("file" in atom ? (atom.file.data?.length ?? 0) : 0);

function parse(value: unknown): Content | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, started, modes, draft } = value as Partial<Record<keyof Content, unknown>>;
  if (typeof pid !== "number" || typeof started !== "string") return undefined;
  return {
    pid,
    started,
    modes: Array.isArray(modes) ? (modes.filter((mode) => typeof mode === "string") as ModeName[]) : [],
    draft: Array.isArray(draft) ? draft.filter(isAtom) : [],
  };
}

function isAtom(value: unknown): value is Atom {
  if (typeof value === "string") return true;
  if (typeof value !== "object" || value === null) return false;
  const { paste, file, text } = value as { paste?: unknown; file?: unknown; text?: unknown };
  return (
    typeof text === "string" && (typeof paste === "number" || (typeof file === "object" && file !== null))
  );
}
