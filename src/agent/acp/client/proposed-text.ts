import type { TrackedCall } from "../turn/tool-call.ts";
import { textOf, wireOf } from "../wire.ts";

const firstText = (input: unknown, ...names: string[]): string | undefined =>
  names.map((name) => textOf(wireOf(input)[name])).find((value) => value !== undefined);

/**
 * A file's content after a call, taken from the call's diff, else from the arguments that agents give their tools.
 * `before`: its content now, "" if it does not exist. undefined when the call does not say.
 */
export function proposedText(call: TrackedCall, path: string, before: string): string | undefined {
  const diff = call.content.find((item) => item["type"] === "diff" && item["path"] === path);
  const made = textOf(diff?.["newText"]);
  const old = textOf(diff?.["oldText"]) ?? "";
  if (made !== undefined) {
    if (old === before) return made;
    // The diff covers only the changed piece of the file.
    if (old !== "") return replaceOnce(before, old, made);
  }
  const { rawInput } = call;
  const whole = firstText(rawInput, "content", "file_text");
  if (whole !== undefined) return whole;
  const from = firstText(rawInput, "old_string", "oldString", "before", "old_str");
  const to = firstText(rawInput, "new_string", "newString", "after", "new_str");
  if (from === undefined || to === undefined || from === "") return undefined;
  const isAll = wireOf(rawInput)["replace_all"] === true || wireOf(rawInput)["replaceAll"] === true;
  return isAll && before.includes(from) ? before.replaceAll(from, () => to) : replaceOnce(before, from, to);
}

function replaceOnce(text: string, from: string, to: string): string | undefined {
  const index = text.indexOf(from);
  return index < 0 ? undefined : text.slice(0, index) + to + text.slice(index + from.length);
}
