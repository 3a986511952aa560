/** A tool call of the demo in this turn, with its result. */
export type DemoStep = { name: string; input: Record<string, unknown>; result: string; isError: boolean };

export type DemoView = {
  prompt: string;
  /** The calls of this turn, in order. */
  steps: readonly DemoStep[];
  hasTool(name: string): boolean;
  isFirstTurn: boolean;
};

export type DemoMove = { say: string; calls: readonly { name: string; input: Record<string, unknown> }[] };

const FILES_READ_MAX = 3;
const NAMES_SHOWN_MAX = 12;
const notable = [
  /^readme(\.|$)/i,
  /^package\.json$/,
  /^(pyproject\.toml|cargo\.toml|go\.mod|makefile|pom\.xml)$/i,
  /\.(md|ts|tsx|js|mjs|py|go|rs|java|rb|c|cpp|sh|txt)$/i,
];
const lineComment: Readonly<Record<string, string>> = {
  ts: "//",
  tsx: "//",
  js: "//",
  mjs: "//",
  cjs: "//",
  jsx: "//",
  go: "//",
  rs: "//",
  java: "//",
  c: "//",
  h: "//",
  cpp: "//",
  cs: "//",
  kt: "//",
  swift: "//",
  php: "//",
  py: "#",
  rb: "#",
  sh: "#",
  yml: "#",
  yaml: "#",
  toml: "#",
};
const introduction = `I am hearth's built-in demo: a script without a language model, so that a first look costs nothing. What I do is real, though: these are your files and your tools.\n\n`;
const realModel = `\n\nFor real work give hearth a model: set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY in your terminal, or start Ollama, and ask again.`;

const countOf = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
const enumerate = (items: readonly string[]): string =>
  items.length > 1 ? `${items.slice(0, -1).join(", ")} and ${items.at(-1) ?? ""}` : (items[0] ?? "");

type Entry = { name: string; isFolder: boolean };

/** The top-level names in a listing: a tree under its folder's line, folders end in a slash, notes are in brackets. */
export function entriesOf(listing: string): Entry[] {
  return listing
    .split("\n")
    .slice(1)
    .filter((line) => line !== "" && !line.startsWith("(") && !line.startsWith(" "))
    .map((line) => line.replace(/ -> .*$/, ""))
    .map((name) => ({ name: name.replace(/\/$/, ""), isFolder: name.endsWith("/") }));
}

/** The lines of a file from `read`'s output, without line numbers and notes. */
export function linesOf(shown: string): string[] {
  return shown.split("\n").flatMap((line) => {
    const match = /^\s*\d+\t(.*)$/.exec(line);
    return match === null ? [] : [match[1] ?? ""];
  });
}

const pathOf = (step: DemoStep): string => String(step.input["path"] ?? "");
const extensionOf = (path: string): string => (/\.([A-Za-z0-9]+)$/.exec(path)?.[1] ?? "").toLowerCase();

const wantsChange = (prompt: string): boolean =>
  /\b(add|change|edit|fix|rename|write|create|update|improve|append|insert|replace|remove|refactor|implement|make)\b/i.test(
    prompt,
  );
const wantsRun = (prompt: string): boolean => /\b(run|test|tests|build|lint|check)\b/i.test(prompt);

const pathsIn = (prompt: string): string[] =>
  [...prompt.matchAll(/[\w@./-]*[\w-]+\.[A-Za-z][A-Za-z0-9]{0,9}\b/g)].map(([path]) =>
    path.replace(/^@/, ""),
  );

/** Files to read: those named in the prompt, else the ones that usually tell most about a project. */
function filesToRead(prompt: string, entries: readonly Entry[]): string[] {
  const files = entries.filter((entry) => !entry.isFolder).map((entry) => entry.name);
  const named = pathsIn(prompt).filter((path) => path.includes("/") || files.includes(path));
  if (named.length > 0) return [...new Set(named)].slice(0, FILES_READ_MAX);
  const ranked = notable.flatMap((pattern) => files.filter((name) => pattern.test(name)));
  return [...new Set(ranked)].slice(0, FILES_READ_MAX);
}

function describeFolder(entries: readonly Entry[]): string {
  const folders = entries.filter((entry) => entry.isFolder).map((entry) => `${entry.name}/`);
  const files = entries.filter((entry) => !entry.isFolder).map((entry) => entry.name);
  const shown = [...folders, ...files].slice(0, NAMES_SHOWN_MAX);
  const more = folders.length + files.length - shown.length;
  const names = enumerate([...shown, ...(more > 0 ? [`${more} more`] : [])]);
  return `This folder holds ${countOf(files.length, "file")} and ${countOf(folders.length, "folder")}: ${names}.`;
}

type PackageJson = { name?: unknown; version?: unknown; scripts?: unknown };
function packageJson(lines: readonly string[]): PackageJson | undefined {
  try {
    const parsed: unknown = JSON.parse(lines.join("\n"));
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined; // cut off or not JSON: its lines are described instead
  }
}
const scriptsOf = (file: PackageJson | undefined): string[] =>
  typeof file?.scripts === "object" && file.scripts !== null ? Object.keys(file.scripts) : [];

function describeFile(step: DemoStep): string {
  const path = pathOf(step);
  if (step.isError) return `- ${path}: ${step.result.split("\n")[0] ?? "it cannot be read"}`;
  const lines = linesOf(step.result);
  if (lines.length === 0) return `- ${path} is empty.`;
  const size = countOf(lines.length, "line");
  if (path.endsWith("package.json")) {
    const file = packageJson(lines);
    const scripts = scriptsOf(file);
    if (file !== undefined)
      return `- ${path} (${size}) describes ${JSON.stringify(file.name ?? "an unnamed package")}${typeof file.version === "string" ? ` ${file.version}` : ""}; its scripts are ${scripts.length === 0 ? "none" : enumerate(scripts)}.`;
  }
  const first = lines.find((line) => line.trim() !== "")?.trim() ?? "";
  return `- ${path} (${size}) begins with: ${first.slice(0, 100)}`;
}

/** The fewest first lines that are unique in the file. */
function uniqueStart(lines: readonly string[]): string {
  const text = lines.join("\n");
  for (let count = 1; count <= lines.length; count += 1) {
    const start = lines.slice(0, count).join("\n");
    if (start.trim() !== "" && text.split(start).length === 2) return start;
  }
  return text;
}

/** A small, correct edit of a file that was read; undefined if none of them allows comments. */
function editOf(read: readonly DemoStep[]): DemoMove["calls"][number] | undefined {
  for (const step of read) {
    const path = pathOf(step);
    const lines = linesOf(step.result);
    if (step.isError || lines.length === 0 || step.result.includes("Go on with offset")) continue;
    const extension = extensionOf(path);
    const blank = lines.filter((line) => line.trim() === "").length;
    const fact = `hearth's demo counted ${countOf(lines.length, "line")} here, ${blank} of them blank`;
    const start = uniqueStart(lines);
    const comment = lineComment[extension];
    if (comment !== undefined) {
      const after = start.startsWith("#!") ? `${start}\n${comment} ${fact}` : `${comment} ${fact}\n${start}`;
      return { name: "edit", input: { path, edits: [{ old_string: start, new_string: after }] } };
    }
    if (extension === "md" || extension === "html")
      return {
        name: "edit",
        input: { path, edits: [{ old_string: start, new_string: `${start}\n\n<!-- ${fact} -->` }] },
      };
    if (extension === "txt" || extension === "")
      return {
        name: "edit",
        input: { path, edits: [{ old_string: start, new_string: `${start}\n(${fact})` }] },
      };
  }
  return undefined;
}

/** A new file, with the name and text from the prompt if given, else with what was seen. */
function writeOf(
  prompt: string,
  entries: readonly Entry[],
  read: readonly DemoStep[],
): DemoMove["calls"][number] {
  const taken = new Set(entries.map((entry) => entry.name));
  const asked = pathsIn(prompt).find(
    (path) => !taken.has(path) && !read.some((step) => pathOf(step) === path && !step.isError),
  );
  const path = asked ?? (taken.has("hearth-demo.md") ? "hearth-demo-2.md" : "hearth-demo.md");
  const quoted = /(?:with|saying|containing|says?|content)\b[^"'`]*(["'`])([\s\S]+?)\1/i.exec(prompt)?.[2];
  const seen = entries.length === 0 ? "This folder was empty." : describeFolder(entries);
  const content =
    quoted ?? `# What hearth's demo saw\n\n${seen}\n${read.map(describeFile).join("\n")}`.trimEnd();
  return { name: "write", input: { path, content: `${content}\n` } };
}

function commandOf(prompt: string, read: readonly DemoStep[]): string | undefined {
  const manifest = read.find((step) => pathOf(step).endsWith("package.json") && !step.isError);
  const scripts = manifest === undefined ? [] : scriptsOf(packageJson(linesOf(manifest.result)));
  const named = scripts.find((script) =>
    new RegExp(`\\b${script.replace(/\W/g, "\\$&")}\\b`, "i").test(prompt),
  );
  const script = named ?? (scripts.includes("test") ? "test" : undefined);
  return script === undefined ? undefined : `npm run ${script}`;
}

const deed = (step: DemoStep): string => {
  if (step.name === "bash") return step.isError ? "The command failed:" : "The command ran:";
  return step.name === "write" ? `I wrote ${pathOf(step)}` : `I changed ${pathOf(step)}`;
};

function reportOf(step: DemoStep): string {
  if (step.isError && /^not allowed/i.test(step.result)) return `You did not allow it, so nothing was done.`;
  const lines = step.result.split("\n").filter((line) => line.trim() !== "");
  if (step.name === "bash") return `${deed(step)}\n\n\`\`\`\n${lines.slice(-8).join("\n")}\n\`\`\``;
  if (step.isError) return `That did not work: ${lines[0] ?? "no reason was given"}`;
  return `${deed(step)}. It is a small true change, made of what I had read; a real model would have made the one you asked for.`;
}

/** The demo's next move. Pure: it depends only on what it has seen in this turn. */
export function demoMove({ prompt, steps, hasTool, isFirstTurn }: DemoView): DemoMove {
  const intro = isFirstTurn ? introduction : "";
  const list = steps.find((step) => step.name === "list");
  if (list === undefined) {
    if (!hasTool("list"))
      return {
        say: `${intro}I have no tools here, so there is nothing I could show.${realModel}`,
        calls: [],
      };
    return {
      say: `${intro}First I look at what is in this folder.`,
      calls: [{ name: "list", input: { path: "." } }],
    };
  }
  if (list.isError) return { say: `I could not list this folder: ${list.result}${realModel}`, calls: [] };
  const entries = entriesOf(list.result);
  const read = steps.filter((step) => step.name === "read");
  const acted = steps.find((step) => step.name === "edit" || step.name === "write" || step.name === "bash");
  if (acted !== undefined) return { say: reportOf(acted) + realModel, calls: [] };

  const toRead = filesToRead(prompt, entries);
  if (read.length === 0 && toRead.length > 0 && hasTool("read"))
    return {
      say: `${describeFolder(entries)} I read ${enumerate(toRead)}.`,
      calls: toRead.map((path) => ({ name: "read", input: { path } })),
    };
  if (wantsChange(prompt) && hasTool("write")) {
    const asksNew = /\b(create|write|new file|add a file|make a file)\b/i.test(prompt);
    const edit = asksNew || !hasTool("edit") ? undefined : editOf(read);
    const call = edit ?? writeOf(prompt, entries, read);
    const what = call.name === "edit" ? "a small edit" : "a new file";
    return { say: `Now ${what}: ${String(call.input["path"])}.`, calls: [call] };
  }
  const command = wantsRun(prompt) && hasTool("bash") ? commandOf(prompt, read) : undefined;
  if (command !== undefined)
    return { say: `Now I run ${command}.`, calls: [{ name: "bash", input: { command } }] };
  if (entries.length === 0)
    return {
      say: `This folder is empty: there is nothing to read yet. Ask me to create a file and I will.${realModel}`,
      calls: [],
    };
  const files =
    read.length === 0 ? "There is no file in it that I would open first." : read.map(describeFile).join("\n");
  return {
    say: `${read.length === 0 ? describeFolder(entries) : "Here is what is there:"}\n\n${files}${realModel}`,
    calls: [],
  };
}
