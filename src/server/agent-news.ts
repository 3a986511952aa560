import { inOneLine } from "../agent/hearth-note.ts";

/** More names than this in one sentence are only counted. */
const NAMES_MAX = 20;

/**
 * What an agent has to know of what a person has done with its files meanwhile, as hearth says it before the next prompt.
 * `files` are paths as they are shown; none: not known any more.
 */
export function filesNews(
  what: "taken_back" | "brought_back" | "reverted" | "rejected" | "applied_again",
  files: readonly string[],
): string {
  const names = files.slice(0, NAMES_MAX).map(inOneLine).join(", ");
  const more = files.length > NAMES_MAX ? ` and ${files.length - NAMES_MAX} more files` : "";
  const where = files.length === 0 ? "the files of that turn" : `${names}${more}`;
  const said = {
    taken_back: `The user has taken back what a turn of yours changed in ${where}; the conversation stands.`,
    brought_back: `The user has brought back what a turn of yours had changed in ${where}.`,
    reverted: `The user has reverted changes of yours in ${where}.`,
    rejected: `The user has rejected changes of yours in ${where}; they are gone from your worktree.`,
    applied_again: `The user has put changes of yours in ${where} back again.`,
  };
  return `${said[what]} Read again before you build on it.`;
}
