import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { createTimeSlice } from "../../../async/time-slice.ts";
import { startOf } from "../../../protocol/cut-text.ts";
import { ToolFailure } from "../failure.ts";
import type { ToolContext } from "../tool.ts";

export type Search = {
  /** The pattern options, then `.` or `./name` as the place. The options that make it safe are added. */
  args: readonly string[];
  cwd: string;
  /** `names`: only file names; `lines`: rows in the `--null` format. */
  output: "names" | "lines";
  /** `row` is `12:text` for a match, `12-text` for context, "" for `names`. Return false to stop the search. */
  onFound(name: string, row: string): boolean;
};
export type SearchEnd = { code: number | null; complaint: string; isComplete: boolean };
export type Ripgrep = { search(search: Search, context: ToolContext): Promise<SearchEnd> };

/** Longer than any sensible search of a large repository. */
const SEARCH_MS_MAX = 20_000;
const COMPLAINT_CHARS_MAX = 4000;
const RECORD_CHARS_MAX = 64 * 1024;

/** No configuration of the user or the repository, no decompression, no preprocessor, no look-around. */
const fixedArgs = [
  "--no-config",
  "--no-messages",
  "--color=never",
  "--engine=default",
  "--null",
  "--no-context-separator",
  "--no-require-git",
  "--hidden",
  "--glob=!.git",
];

/** ripgrep for the tools. Its path is looked up once. */
export function createRipgrep(find: () => Promise<string> = findProgram): Ripgrep {
  let place: Promise<string> | undefined;
  const start = async ({ args, cwd }: Search, { processes, run_id }: ToolContext) => {
    try {
      place ??= find();
      const command = [await place, ...fixedArgs, ...args] as const;
      return await processes.spawn({ command: [...command], cwd, env: {}, owner: run_id });
    } catch (error) {
      place = undefined;
      throw new ToolFailure(
        `The search program (ripgrep) cannot be run: ${error instanceof Error ? error.message : String(error)}. Use grep or find in bash, and tell the user to install hearth again.`,
      );
    }
  };
  return {
    async search(search, context) {
      const child = await start(search, context);
      let isComplete = true;
      const cut = () => {
        isComplete = false;
        child.stop().catch(() => {}); // if it cannot be stopped, `exited` does not resolve
      };
      const timer = setTimeout(cut, SEARCH_MS_MAX);
      context.signal.addEventListener("abort", cut, { once: true });
      if (context.signal.aborted) cut();
      try {
        child.stdin.end();
        const [complaint] = await Promise.all([
          firstChars(child.stderr, COMPLAINT_CHARS_MAX),
          eachFound(child.stdout, search.output, (name, row) => {
            if (isComplete && !search.onFound(name, row)) cut();
          }),
        ]);
        const { code } = await child.exited;
        context.signal.throwIfAborted();
        return { code, complaint, isComplete };
      } finally {
        clearTimeout(timer);
        context.signal.removeEventListener("abort", cut);
      }
    },
  };
}

/** The bundled ripgrep for this platform. */
async function findProgram(): Promise<string> {
  const { rgPath } = await import("@vscode/ripgrep");
  return rgPath;
}

async function eachFound(
  stream: Readable,
  output: Search["output"],
  onFound: (name: string, row: string) => void,
): Promise<void> {
  const decoder = new StringDecoder("utf8");
  const slice = createTimeSlice(); // many chunks may be ready at once
  let rest = "";
  for await (const chunk of stream) {
    await slice.rest();
    rest += decoder.write(chunk as Buffer);
    let at = 0;
    for (;;) {
      const nameEnd = rest.indexOf("\0", at);
      const end = nameEnd === -1 || output === "names" ? nameEnd : rest.indexOf("\n", nameEnd);
      if (end === -1) break;
      onFound(nameOf(rest.slice(at, nameEnd)), rest.slice(nameEnd + 1, end));
      at = end + 1;
    }
    rest = rest.slice(at);
    if (rest.length > RECORD_CHARS_MAX) rest = "";
  }
}

/**
 * Every name begins with `./`, because `.` is searched. Remarks on binary files may precede it. A name itself may contain
 * line breaks.
 */
function nameOf(text: string): string {
  const remarks = text.startsWith("./") ? 0 : text.indexOf("\n./") + 1;
  return text.slice(remarks + "./".length);
}

async function firstChars(stream: Readable, charsMax: number): Promise<string> {
  let text = "";
  for await (const chunk of stream) if (text.length < charsMax) text += String(chunk);
  return startOf(text, charsMax).trim();
}
