import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Verdict } from "../../src/agent/permission/request.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import type { ProcessSupervisor } from "../../src/agent/process/types.ts";
import { createTools } from "../../src/agent/tools/catalog.ts";
import { callsOf, openNative, textOf } from "./native-host.ts";

let root: string;
let records: string;
let processes: ProcessSupervisor;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "hearth-demo-")));
  records = mkdtempSync(join(tmpdir(), "hearth-records-"));
  processes = createProcessSupervisor({ recordDir: records });
});
afterEach(async () => {
  await processes.close();
  for (const folder of [root, records]) rmSync(folder, { recursive: true, force: true });
});

const put = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const read = (path: string) => readFileSync(join(root, path), "utf8");

async function ask(prompt: string, verdict: Verdict = { decision: "allow" }) {
  const asked: string[] = [];
  const native = await openNative({
    root,
    processes,
    tools: createTools(),
    async verdict(request) {
      if (request.tool !== "read") asked.push(request.tool);
      return request.tool === "read" ? { decision: "allow" } : verdict;
    },
  });
  const turn = native.start(prompt, { env: { PATH: process.env["PATH"] ?? "", HOME: root } });
  const result = await turn.result;
  await native.close();
  return {
    result,
    text: textOf(turn.events),
    calls: callsOf(native.transcript),
    asked,
    model: native.transcript.at(-1)?.model,
  };
}

test("without any model the demo answers about the files that are really there, and says what it is", async () => {
  put(
    "package.json",
    JSON.stringify(
      { name: "sunflower", version: "1.2.3", scripts: { test: "node --test", build: "tsc" } },
      null,
      2,
    ),
  );
  put("README.md", "# Sunflower\n\nTurns to the light.\n");
  put("src/index.ts", "export const sun = 1;\n");
  const { result, text, calls, model } = await ask("What is this project?");
  expect(result).toEqual({ outcome: "end_turn" });
  expect(model).toBe("demo");
  expect(text).toContain("built-in demo");
  expect(text).toContain("2 files and 1 folder: src/, README.md and package.json");
  expect(text).toMatch(/README\.md \(3 lines\) begins with: # Sunflower/);
  expect(text).toMatch(/"sunflower" 1\.2\.3; its scripts are test and build/);
  expect(text).toMatch(/ANTHROPIC_API_KEY.*OPENAI_API_KEY.*GEMINI_API_KEY.*Ollama/);
  expect(calls.map(({ name, status }) => `${name} ${status}`)).toEqual([
    "list completed",
    "read completed",
    "read completed",
  ]);
});

test("it calls an empty folder empty", async () => {
  const { text, calls } = await ask("Explain this code");
  expect(text).toContain("This folder is empty");
  expect(calls.map(({ name }) => name)).toEqual(["list"]);
});

test("it reads the file that it is asked about", async () => {
  put("README.md", "# Sunflower\n");
  put("src/deep/well.py", "import water\nprint(water)\n");
  const { text, calls } = await ask("What does src/deep/well.py do?");
  expect(calls.map(({ input }) => (input as { path: string }).path)).toEqual([".", "src/deep/well.py"]);
  expect(text).toMatch(/src\/deep\/well\.py \(2 lines\) begins with: import water/);
});

test("asked for a change it makes a small one, after permission", async () => {
  put("index.ts", "export const sun = 1;\n\nexport const moon = 2;\n");
  const { result, text, calls, asked } = await ask("Improve the code");
  expect(result).toEqual({ outcome: "end_turn" });
  expect(asked).toEqual(["edit"]);
  expect(read("index.ts")).toBe(
    "// hearth's demo counted 3 lines here, 1 of them blank\nexport const sun = 1;\n\nexport const moon = 2;\n",
  );
  expect(calls.at(-1)).toMatchObject({
    name: "edit",
    status: "completed",
    view: { kind: "diff", additions: 1 },
  });
  expect(text).toContain("I changed index.ts");
});

test("a change that is denied is not made, and it says so", async () => {
  put("index.ts", "export const sun = 1;\n");
  const { text, calls } = await ask("Fix the bug", { decision: "deny", message: "no" });
  expect(read("index.ts")).toBe("export const sun = 1;\n");
  expect(calls.at(-1)?.status).toBe("denied");
  expect(text).toContain("You did not allow it, so nothing was done.");
});

test("asked to create a file it writes what it was told to", async () => {
  const { text } = await ask('Create hello.txt with "Good morning"');
  expect(read("hello.txt")).toBe("Good morning\n");
  expect(text).toContain("I wrote hello.txt");
});

test("asked to run the tests it runs the project's own, after permission", async () => {
  put("package.json", JSON.stringify({ name: "x", scripts: { test: "echo all is well" } }));
  const { text, asked } = await ask("Run the tests please");
  expect(asked).toEqual(["bash"]);
  expect(text).toContain("all is well");
});

test("cancel stops it in mid-sentence", async () => {
  const abort = new AbortController();
  const wait = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal });
  const native = await openNative({ root, processes, tools: createTools(), wait });
  let words = 0;
  const turn = native.start("Hello", {
    signal: abort.signal,
    onEvent(event) {
      if (event.type === "text_delta") words += 1;
      if (words === 3) abort.abort();
    },
  });
  expect(await turn.result).toEqual({ outcome: "canceled" });
  expect(words).toBe(3);
  await native.close();
});
