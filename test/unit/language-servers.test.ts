// Real servers: TypeScript's own, and pyright. native-agent.md 25.
import { existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createFolderGate } from "../../src/agent/files/folder-gate.ts";
import {
  knownServers,
  type ServerSpec,
  serversWith,
} from "../../src/agent/language-servers/known-servers.ts";
import { createLanguageServers } from "../../src/agent/language-servers/servers.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import { createToolBench, type ToolBench } from "../support/tool-bench.ts";

const bin = resolve(import.meta.dirname, "../../node_modules/.bin");
const env = { PATH: `${bin}:${process.env["PATH"]}` };
let opened: { bench: ToolBench; close(): Promise<void> } | undefined;

function open(specs: readonly ServerSpec[] = knownServers, diagnoseMs = 150_000) {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "hearth-lsp-")));
  const processes = createProcessSupervisor({ recordDir: join(home, "run"), killAfterMs: 250 });
  const languageServers = createLanguageServers({
    ...{ processes, folders: createFolderGate(), specs: () => specs, diagnoseMs },
  });
  const bench = createToolBench({ languageServers });
  opened = {
    bench,
    async close() {
      await languageServers.close();
      await processes.close();
      await bench.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
  const call = async (name: string, input: object) => (await bench.call(name, input, { env })).text;
  return { bench, call };
}
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

describe("an edit", () => {
  test("is answered with the errors of the file, and its symbols can be looked up", async () => {
    const { bench, call } = open();
    bench.put(
      "tsconfig.json",
      '{ "compilerOptions": { "strict": true, "noEmit": true, "allowImportingTsExtensions": true } }',
    );
    bench.put("sum.ts", "export const sum = (a: number, b: number): number => a + b;\n");
    bench.put("use.ts", 'import { sum } from "./sum.ts";\nexport const four = sum(2, 2);\n');
    await call("read", { path: "use.ts" });
    const wrong = await call("edit", { path: "use.ts", old_string: "sum(2, 2)", new_string: 'sum(2, "2")' });
    expect(wrong).toMatch(/typescript reports 1 error in what was changed:\nuse\.ts:2:28 .*string.*number/);
    const right = await call("edit", { path: "use.ts", old_string: '"2"', new_string: "2" });
    expect(right).not.toContain("reports");
    expect(await call("lsp", { action: "definition", path: "use.ts", line: 2, symbol: "sum" })).toBe(
      "sum.ts:1 export const sum = (a: number, b: number): number => a + b;",
    );
    const uses = await call("lsp", { action: "references", path: "sum.ts", line: 1, symbol: "sum" });
    expect(uses.split("\n").map((row) => row.split(" ")[0])).toEqual(["sum.ts:1", "use.ts:1", "use.ts:2"]);
    expect(await call("lsp", { action: "symbols", path: "use.ts" })).toMatch(/^2 (constant|variable) four$/m);
    expect(await call("lsp", { action: "definition", path: "use.ts", line: 9, symbol: "x" })).toBe(
      "use.ts has no line 9.",
    );
  });

  test("of a new Python file is answered with its errors", async () => {
    const { call } = open();
    const written = await call("write", { path: "a.py", content: "def f(n: int) -> str:\n    return n\n" });
    expect(written).toMatch(/pyright reports 1 error in what was changed:\na\.py:2:12 .*"int".*"str"/);
  });

  test("stands without a word when there is no server, it does not answer, ends at once or talks nonsense", async () => {
    const server = (script: string): ServerSpec => ({
      ...{ name: "odd", commands: [{ argv: ["node", "-e", script] }], languages: { ".odd": "odd" } },
    });
    for (const script of [
      "setInterval(() => {}, 1000)",
      "process.exit(3)",
      "console.log('hello\\n'.repeat(100))",
    ]) {
      const { call } = open([server(script)], 300);
      const written = await call("write", { path: "a.odd", content: "x\n" });
      expect(written).toBe(
        await call("write", { path: "b.txt", content: "x\n" }).then((text) => text.replace("b.txt", "a.odd")),
      );
      await opened?.close();
      opened = undefined;
    }
    const { bench, call } = open([
      { name: "none", commands: [{ argv: ["no-such-server"] }], languages: { ".odd": "odd" } },
    ]);
    bench.put("a.odd", "x\n");
    expect(await call("lsp", { action: "symbols", path: "a.odd" })).toBe(
      "No answer: none is not installed (looked for no-such-server). Use grep instead.",
    );
  });

  test("starts a server that runs code of the project only where the user's configuration says so", async () => {
    const command = {
      argv: ["node", "-e", "require('fs').writeFileSync('ran','')"],
      runsProjectCode: true,
    } as const;
    const spec = { name: "building", commands: [command], languages: { ".odd": "odd" } };
    const first = open([spec]);
    first.bench.put("a.odd", "x\n");
    expect(await first.call("lsp", { action: "symbols", path: "a.odd" })).toContain(
      'runs code of the project, so it starts only with "language_servers": { "building": { "enabled": true } }',
    );
    expect(existsSync(join(first.bench.root, "ran"))).toBe(false);
    await opened?.close();
    const second = open([{ ...spec, mayRunProjectCode: true }]);
    second.bench.put("a.odd", "x\n");
    await second.call("lsp", { action: "symbols", path: "a.odd" });
    expect(existsSync(join(second.bench.root, "ran"))).toBe(true);
  });
});

test("the configuration switches servers off, allows them to run project code, and adds others", () => {
  const servers = serversWith({
    gopls: { enabled: false },
    "rust-analyzer": { enabled: true },
    zls: { command: ["zls"], extensions: { ".zig": "zig" } },
    pyright: { command: ["jedi-language-server"] },
    broken: { command: ["x"] },
  });
  const named = (name: string) => servers.find((server) => server.name === name);
  expect(named("gopls")).toBeUndefined();
  expect(named("broken")).toBeUndefined();
  expect(named("rust-analyzer")?.mayRunProjectCode).toBe(true);
  expect(named("zls")?.languages).toEqual({ ".zig": "zig" });
  expect(named("pyright")?.commands).toEqual([{ argv: ["jedi-language-server"] }]);
  expect(named("typescript")?.mayRunProjectCode).toBeUndefined();
});
