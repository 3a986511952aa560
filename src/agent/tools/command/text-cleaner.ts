import { StringDecoder } from "node:string_decoder";

/**
 * Turns a command's terminal output into plain text, chunk by chunk. Drops escape sequences and control characters, and
 * keeps only the last version of a line that was overwritten (progress bars).
 */
export type TextCleaner = {
  /** Returns the text that is final. A line that may still be overwritten waits for its end. */
  push(chunk: Buffer): string;
  end(): string;
};

type State = "text" | "escape" | "intermediate" | "control" | "string" | "string escape";

/** A longer line is passed on in pieces of this length. */
const LINE_CHARS_MAX = 64 * 1024;
/** An operating system command (OSC) that is not closed by then is treated as text. */
const STRING_CHARS_MAX = 64 * 1024;
// Control characters, except line feed and tab.
const special = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

export function createTextCleaner(): TextCleaner {
  const decoder = new StringDecoder("utf8");
  let state: State = "text";
  let line = ""; // the current line so far
  let isReturned = false; // after a carriage return the next character restarts the line
  let stringChars = 0;

  const take = (char: string): string => {
    if (char === "\n") {
      const done = `${line}\n`;
      line = "";
      isReturned = false;
      return done;
    }
    if (isReturned) line = "";
    isReturned = false;
    line += char;
    if (line.length < LINE_CHARS_MAX) return "";
    const done = line;
    line = "";
    return done;
  };
  const step = (char: string): string => {
    switch (state) {
      case "text":
        if (char === "\x1b") state = "escape";
        else if (char === "\x9b") state = "control";
        else if (char === "\r") isReturned = true;
        else if (char === "\b") line = line.slice(0, -1);
        else if (char === "\n" || char === "\t" || !special.test(char)) return take(char);
        return "";
      case "escape":
        if (char === "[") state = "control";
        else if ("]PX^_".includes(char)) {
          state = "string";
          stringChars = 0;
        } else state = char >= " " && char <= "/" ? "intermediate" : "text";
        return "";
      case "intermediate":
        if (char < " " || char > "/") state = "text";
        return "";
      case "control":
        if (char < " " || char > "?") state = "text";
        return char === "\n" ? take(char) : "";
      case "string":
        if (char === "\x1b") state = "string escape";
        else if (char === "\x07" || char === "\x9c" || ++stringChars > STRING_CHARS_MAX) state = "text";
        return "";
      case "string escape":
        state = char === "\\" ? "text" : "string";
        return "";
    }
  };
  const clean = (text: string): string => {
    // Fast path: most output has no special characters.
    if (state === "text" && !isReturned && !special.test(text)) {
      const cut = text.lastIndexOf("\n") + 1;
      const done = cut === 0 ? "" : line + text.slice(0, cut);
      line = cut === 0 ? line + text : text.slice(cut);
      if (line.length < LINE_CHARS_MAX) return done;
      const rest = line;
      line = "";
      return done + rest;
    }
    let done = "";
    for (const char of text) done += step(char);
    return done;
  };
  return {
    push: (chunk) => clean(decoder.write(chunk)),
    end() {
      const done = clean(decoder.end()) + line;
      line = "";
      return done;
    },
  };
}
