import { createInterface } from "node:readline";
import type { InputEvent } from "./input/decode.ts";
import type { Terminal, TerminalStreams } from "./terminal.ts";
import type { AppView } from "./view/app-view.ts";
import type { LiveView } from "./view/live.ts";

/** What is said when it changes; the rest of the live region is for eyes. */
const spoken = ["question", "queue", "notice"] as const satisfies readonly (keyof LiveView)[];

/**
 * The terminal as lines, one after the other: for terminals whose cursor cannot be moved, and for screen readers,
 * which read again whatever is drawn again. What is finished is printed, a question and a list are printed once, and
 * what is typed comes as whole lines, edited by the terminal itself.
 */
export function openPlainTerminal(streams: TerminalStreams): Terminal {
  const { input, output } = streams;
  const said = new Map<(typeof spoken)[number], string>();
  let lines: ReturnType<typeof createInterface> | undefined;
  let isAsked = false;
  let overlay = false;
  let isClosed = false;

  const print = (rows: readonly string[]) => {
    if (!isClosed && rows.length > 0) output.write(`${rows.join("\n")}\n`);
  };
  const sayLive = (live: LiveView) => {
    isAsked = live.question.length > 0;
    for (const part of spoken) {
      const text = live[part].join("\n");
      if (text === said.get(part)) continue;
      said.set(part, text);
      if (text !== "") print(live[part]);
    }
  };

  return {
    size: { columns: output.columns || 80, rows: output.rows || 24 },
    show(view: AppView) {
      if (view.kind === "live") sayLive(view.live);
      // A list is printed when it opens, not with every letter of its filter.
      else if (!overlay) print(view.rows.filter((row) => row.trim() !== ""));
      overlay = view.kind === "overlay";
    },
    loadInk: async () => {},
    commit: print,
    repaint() {},
    redrawAbove() {},
    listen(_typed, onEvents, onEnd) {
      const reader = createInterface({ input: input as NodeJS.ReadableStream, terminal: false });
      lines = reader;
      const enter: InputEvent = { type: "key", chord: "enter" };
      reader.on("line", (line) => {
        const text: InputEvent = { type: "paste", text: line };
        // One key answers a question by itself; Enter behind it would answer the next one.
        onEvents(
          isAsked && /^[\de]$/.test(line)
            ? [{ type: "text", text: line }]
            : line === ""
              ? [enter]
              : [text, enter],
        );
      });
      reader.on("close", onEnd);
    },
    send() {},
    async lend(use) {
      lines?.pause();
      try {
        return await use();
      } finally {
        lines?.resume();
      }
    },
    close(last) {
      print(last);
      isClosed = true;
      lines?.removeAllListeners("close");
      lines?.close();
    },
  };
}
