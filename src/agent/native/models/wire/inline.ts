import type { ModelChunk } from "../model.ts";
import { splitJson } from "./events.ts";
import { isRecord, type Loose, recordOf, stringOf } from "./loose.ts";

/** Longer than any call written as text. */
const HELD_CHARS_MAX = 400_000;

type Written = { name: string; arguments: string };

const parameters = /<parameter=([\w.-]+)>\n?([\s\S]*?)\n?<\/parameter>/g;
const functionTag = /<function=([\w.-]+)>([\s\S]*?)(?:<\/function>|$)/;

/** Reads a call from JSON, with any of the field names in use. Undefined for anything but a call of a known tool. */
function callIn(value: unknown, tools: ReadonlySet<string>): Written | undefined {
  if (!isRecord(value)) return undefined;
  const inner = recordOf(value["function"]);
  const name =
    stringOf(value["name"]) ??
    stringOf(value["tool"]) ??
    stringOf(value["tool_name"]) ??
    stringOf(value["function"]) ??
    stringOf(inner["name"]);
  const given: Loose = name !== undefined && name === inner["name"] ? inner : value;
  const args = given["arguments"] ?? given["parameters"] ?? given["args"] ?? given["input"];
  if (name === undefined || !tools.has(name)) return undefined;
  if (isRecord(args)) return { name, arguments: JSON.stringify(args) };
  return typeof args === "string" ? { name, arguments: args } : undefined;
}

/** All calls in a text that contains only calls; undefined for any other text. */
function callsIn(text: string, tools: ReadonlySet<string>): Written[] | undefined {
  const tagged = functionTag.exec(text);
  if (tagged !== null) {
    const [, name = "", body = ""] = tagged;
    if (!tools.has(name)) return undefined;
    const args = [...body.matchAll(parameters)].map(([, key = "", value = ""]) => [key, value] as const);
    return [{ name, arguments: JSON.stringify(Object.fromEntries(args)) }];
  }
  const bare = text
    .trim()
    .replace(/^```[a-z_]*\s*/, "")
    .replace(/\s*```$/, "");
  const { values, rest } = splitJson(bare);
  const calls = values.flat().map((value) => callIn(value, tools));
  return rest === "" && calls.length > 0 && calls.every((call) => call !== undefined) ? calls : undefined;
}

const firstKeys = ['"name"', '"tool"', '"tool_name"', '"function"'];
/** Whether a partial text may turn out to be only a call as JSON, in a fence or not. */
function mayBeJsonCall(text: string): boolean {
  if (/^`{1,3}$|^```[a-z_]{0,12}\s*$/.test(text)) return true;
  const inside = /^(?:```(?:json|tool_call|tool)?\s*)?\{\s*([\s\S]*)$/.exec(text)?.[1];
  return inside !== undefined && firstKeys.some((key) => key.startsWith(inside) || inside.startsWith(key));
}

/** What a model writes for a call that its server does not parse. */
const callLike = /<tool_call>|<function=|\[TOOL_CALLS\]|<[|｜]tool[_▁]calls?|<\|python_tag\|>|functools\[/;

const MARK_CHARS_MAX = 24;

/** The length of the end of `text` that may be the start of one of `marks`. */
function partialEnd(text: string, marks: readonly string[]): number {
  let most = 0;
  for (const mark of marks)
    for (let length = Math.min(mark.length - 1, text.length); length > most; length -= 1)
      if (text.endsWith(mark.slice(0, length))) {
        most = length;
        break;
      }
  return most;
}

const thinkOpeners = ["<think>", "<thinking>"];
const thinkClosers = ["</think>", "</thinking>"];
const callOpeners = ["<tool_call>", "<function="];

/**
 * Parses what open models write into their text if the server does not: thinking at the start, calls in tags, an answer
 * that is only a call as JSON. Everything else stays text.
 */
export function createInlineReader(tools: ReadonlySet<string>) {
  let state: "start" | "think" | "text" | "call" | "json" = "start";
  let pending = "";
  /** The text of an incomplete call, and its closing tag. */
  let held: string[] = [];
  let heldChars = 0;
  let closer = "";
  const calls: Written[] = [];
  let isCallLike = false;
  let hasThought = false;
  /** The end of the text so far: a mark may arrive in pieces. */
  let saidLast = "";

  const text = (said: string): ModelChunk[] => {
    if (said === "") return [];
    isCallLike ||= callLike.test(saidLast + said);
    saidLast = (saidLast + said).slice(-MARK_CHARS_MAX);
    return [{ type: "text", text: said }];
  };
  function hold(more: string) {
    held.push(more);
    heldChars += more.length;
  }
  function release(): string {
    const all = held.join("");
    held = [];
    heldChars = 0;
    return all;
  }
  function take(written: string): ModelChunk[] {
    const found = callsIn(written.replace(/^<tool_call>|<\/tool_call>$/g, ""), tools);
    if (found === undefined) return text(written);
    calls.push(...found);
    return [{ type: "progress" }];
  }

  /** One parsing step; undefined if more text is needed. */
  function step(): ModelChunk[] | undefined {
    switch (state) {
      case "start": {
        const bare = pending.trimStart();
        if (bare === "") return undefined;
        if (hasThought) pending = bare;
        const opener = thinkOpeners.find((tag) => bare.startsWith(tag));
        if (opener !== undefined) {
          pending = bare.slice(opener.length).trimStart();
          state = "think";
          return [];
        }
        if (thinkOpeners.some((tag) => tag.startsWith(bare))) return undefined;
        if (mayBeJsonCall(bare)) {
          if (bare.length < 48) return undefined;
          state = "json";
          return [];
        }
        state = "text";
        return [];
      }
      case "think": {
        if (!hasThought) pending = pending.trimStart();
        if (pending === "") return undefined;
        const found = thinkClosers
          .map((tag) => ({ tag, at: pending.indexOf(tag) }))
          .find(({ at }) => at >= 0);
        const at = found?.at ?? pending.length - partialEnd(pending, thinkClosers);
        const thought = pending.slice(0, at);
        pending = pending.slice(at + (found?.tag.length ?? 0));
        hasThought ||= thought !== "";
        const said: ModelChunk[] = thought === "" ? [] : [{ type: "reasoning", text: thought }];
        if (found === undefined) return said.length > 0 ? said : undefined;
        hasThought = true;
        state = "start";
        return said;
      }
      case "text": {
        const found = callOpeners
          .map((tag) => ({ tag, at: pending.indexOf(tag) }))
          .filter(({ at }) => at >= 0)
          .sort((a, b) => a.at - b.at)[0];
        const at = found?.at ?? pending.length - partialEnd(pending, callOpeners);
        const said = pending.slice(0, at);
        pending = pending.slice(at);
        if (found !== undefined) {
          closer = found.tag === "<tool_call>" ? "</tool_call>" : "</function>";
          state = "call";
          return text(said);
        }
        return said === "" ? undefined : text(said);
      }
      case "call": {
        const at = pending.indexOf(closer);
        if (at < 0) {
          const keep = partialEnd(pending, [closer]);
          hold(pending.slice(0, pending.length - keep));
          pending = pending.slice(pending.length - keep);
          if (heldChars <= HELD_CHARS_MAX) return undefined;
          state = "text";
          return text(release());
        }
        hold(pending.slice(0, at + closer.length));
        pending = pending.slice(at + closer.length).replace(/^\s+/, "");
        state = "text";
        return take(release());
      }
      case "json":
        hold(pending);
        pending = "";
        if (heldChars <= HELD_CHARS_MAX) return undefined;
        state = "text";
        return text(release());
    }
  }

  return {
    feed(more: string): ModelChunk[] {
      pending += more;
      const out: ModelChunk[] = [];
      while (pending !== "") {
        const said = step();
        if (said === undefined) break;
        out.push(...said);
      }
      return out.length > 0 || more === "" ? out : [{ type: "progress" }];
    },
    /** The text has ended: resolves what is held back. */
    end(): ModelChunk[] {
      const rest = release() + pending;
      pending = "";
      if (state === "think") return rest === "" ? [] : [{ type: "reasoning", text: rest }];
      return state === "text" || rest.trim() === "" ? text(rest) : take(rest);
    },
    calls: (): readonly Written[] => calls,
    /** Something looked like a call but could not be parsed. */
    isCallLike: () => isCallLike,
  };
}
