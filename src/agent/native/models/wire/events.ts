import { createParser } from "eventsource-parser";
import { isRecord, type Loose } from "./loose.ts";

export type WireEvent =
  | { kind: "event"; value: Loose; name: string | undefined }
  /** `[DONE]`: the server sends nothing more. */
  | { kind: "done" }
  /** Not JSON: a proxy's web page, or the rest of a broken line. */
  | { kind: "other"; text: string };

/** A larger event is not a model's answer. */
const EVENT_CHARS_MAX = 64 * 1024 * 1024;

const isBlank = (char: string | undefined): boolean =>
  char === " " || char === "\n" || char === "\r" || char === "\t" || char === "\uFEFF";

/** The end of the JSON value that begins at `start`; undefined if it is incomplete. */
function endOfValue(text: string, start: number): number | undefined {
  let depth = 0;
  let isQuoted = false;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (isQuoted) {
      if (char === "\\") at += 1;
      else if (char === '"') isQuoted = false;
    } else if (char === '"') isQuoted = true;
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}

/** Splits consecutive JSON values, with nothing, blanks, commas or `data:` between them. `rest`: what is not JSON. */
export function splitJson(text: string): { values: unknown[]; rest: string } {
  try {
    return { values: [JSON.parse(text)], rest: "" };
  } catch {
    // not a single value: try several
  }
  const values: unknown[] = [];
  let at = 0;
  for (;;) {
    while (isBlank(text[at]) || text[at] === ",") at += 1;
    if (text.startsWith("data:", at)) {
      at += "data:".length;
      continue;
    }
    if (text[at] !== "{" && text[at] !== "[") return { values, rest: text.slice(at) };
    const end = endOfValue(text, at);
    if (end === undefined) return { values, rest: text.slice(at) };
    try {
      values.push(JSON.parse(text.slice(at, end)));
    } catch {
      return { values, rest: text.slice(at) };
    }
    at = end;
  }
}

function eventsIn(data: string, name: string | undefined): WireEvent[] {
  const trimmed = data.trim();
  if (trimmed === "") return [];
  if (trimmed === "[DONE]") return [{ kind: "done" }];
  const { values, rest } = splitJson(trimmed);
  const events: WireEvent[] = values
    .flat()
    .filter(isRecord)
    .map((value) => ({ kind: "event", value, name }));
  if (rest === "[DONE]") events.push({ kind: "done" });
  else if (rest !== "") events.push({ kind: "other", text: rest });
  return events;
}

/** For JSON lines, or one JSON value over many lines: sent by servers that do not stream, or not as events. */
function createJsonLines() {
  let pieces: string[] = [];
  return {
    feed(text: string): WireEvent[] {
      const events: WireEvent[] = [];
      let from = 0;
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
        const line = pieces.join("") + text.slice(from, at + 1);
        from = at + 1;
        const bare = line.trim();
        // Only parses complete lines, so that a value over many lines is not parsed again at each of them.
        const found = bare.startsWith("{") && bare.endsWith("}") ? eventsIn(bare, undefined) : [];
        if (bare !== "" && !found.some(({ kind }) => kind === "event")) {
          pieces = [line + text.slice(from)];
          return events.concat(wholeFrom(pieces));
        }
        pieces = [];
        events.push(...found);
      }
      pieces.push(text.slice(from));
      return events;
    },
    end: (): WireEvent[] => eventsIn(pieces.join(""), undefined),
  };

  /** From here on it is one value, collected until the end. */
  function wholeFrom(gathered: string[]): WireEvent[] {
    pieces = gathered;
    return [];
  }
}

/** Reads the text of a body in any pieces and returns its events as soon as they are complete. */
export function createEventReader() {
  let found: WireEvent[] = [];
  let lines: ReturnType<typeof createJsonLines> | undefined;
  let page: string[] | undefined;
  let hasBegun = false;
  const parser = createParser({
    maxBufferSize: EVENT_CHARS_MAX,
    onEvent: ({ data, event }) => found.push(...eventsIn(data, event)),
    // Some servers write an error as plain JSON between the events.
    onError: ({ type, line }) => {
      if (type === "unknown-field" && line?.startsWith("{")) found.push(...eventsIn(line, undefined));
    },
  });
  const take = (): WireEvent[] => {
    const taken = found;
    found = [];
    return taken;
  };

  return {
    feed(text: string): WireEvent[] {
      if (!hasBegun) {
        let at = 0;
        while (isBlank(text[at])) at += 1;
        const first = text[at];
        if (first === undefined) return [];
        hasBegun = true;
        if (first === "{" || first === "[") lines = createJsonLines();
        else if (first === "<") page = [];
      }
      if (lines !== undefined) return lines.feed(text);
      if (page !== undefined) {
        page.push(text);
        return [];
      }
      parser.feed(text);
      return take();
    },
    /** The body has ended: its last line counts without a blank line. */
    end(): WireEvent[] {
      if (lines !== undefined) return lines.end();
      if (page !== undefined) return [{ kind: "other", text: page.join("") }];
      parser.feed("\n\n");
      return take();
    },
  };
}
