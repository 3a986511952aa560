import { once } from "node:events";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { completeArgument } from "../../src/agent/mcp/complete.ts";
import { findResources } from "../../src/agent/mcp/find-resources.ts";
import { toolName } from "../../src/agent/mcp/names.ts";
import { simplifySchema } from "../../src/agent/mcp/schema.ts";
import { createMcpServers } from "../../src/agent/mcp/servers.ts";
import { type McpServerSpec, specOf } from "../../src/agent/mcp/spec.ts";
import { createToolSearch, findTools } from "../../src/agent/mcp/tool-search.ts";
import { fillingOf } from "../../src/agent/mcp/uri-template.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import type { Tool, ToolContext, ToolResult } from "../../src/agent/tools/tool.ts";
import type { McpServerConfig } from "../../src/protocol/config.ts";

const repository = resolve(import.meta.dirname, "../..");
const bin = (name: string) =>
  join(repository, "node_modules", "@modelcontextprotocol", name, "dist", "index.js");
const odd = (how: string): McpServerConfig => ({
  command: [process.execPath, join(repository, "test/support/odd-mcp-server.mjs"), how],
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function openServers(configs: Readonly<Record<string, McpServerConfig>>) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "hearth-mcp-")));
  const processes = createProcessSupervisor({ recordDir: join(root, ".run"), killAfterMs: 200 });
  const changed = vi.fn();
  const servers = createMcpServers({
    processes,
    version: "1",
    now: () => performance.now(),
    onChange: changed,
  });
  onTestFinished(async () => {
    await servers.closeAll();
    await processes.close();
    rmSync(root, { recursive: true });
  });
  const place = {
    root,
    source: "hearth.jsonc",
    env: { PATH: process.env["PATH"] ?? "", HEARTH_HOME: "x" },
    secrets: {},
  };
  const specs = Object.entries(configs).map(([name, config]) => specOf(name, config, place) as McpServerSpec);
  await servers.configure("ws", specs);
  await servers.start("ws", 60_000, new AbortController().signal);
  const names = () => servers.tools("ws").offered.map(({ name }) => name);
  async function call(
    name: string,
    input: object,
    signal = new AbortController().signal,
  ): Promise<ToolResult> {
    const { offered, hidden } = servers.tools("ws");
    const tool = [...offered, ...hidden].find((one) => one.name === name) as Tool;
    const prepared = await tool.prepare(input, { signal, onOutput: () => {} } as unknown as ToolContext);
    return "run" in prepared ? prepared.run() : prepared;
  }
  const reason = (name: string) => {
    const state = servers.connection("ws", name)?.state();
    return state?.phase === "failed" ? state.failure.reason : state?.phase;
  };
  return { root, servers, names, call, reason, changed };
}

test("real servers are started, list their tools, and are called", async () => {
  const { root, servers, names, call, reason } = await openServers({
    everything: { command: [process.execPath, bin("server-everything")] },
    files: { command: [process.execPath, bin("server-filesystem"), "."], env: { A: "b" } },
  });
  expect([reason("everything"), reason("files")]).toEqual(["ready", "ready"]);
  expect(names()).toEqual(expect.arrayContaining(["mcp__everything__echo", "mcp__files__read_text_file"]));
  expect(await call("mcp__everything__echo", { message: "hello" })).toMatchObject({
    text: expect.stringContaining("hello"),
  });
  // What the list after `@` offers is what a prompt names.
  const found = (typed: string) =>
    findResources(servers.connections("ws"), typed, new AbortController().signal);
  expect(await found("architecture")).toEqual([
    expect.stringMatching(/^everything:[a-z]+:\/\/\S*architecture/),
  ]);
  expect(await found("no such thing")).toEqual([]);
  // A pattern is offered with its braces, and the server completes what stands there.
  const pattern = "everything:demo://resource/dynamic/text/{resourceId}";
  expect(await found("dynamic text")).toEqual([pattern]);
  expect(await found("everything:demo://resource/dynamic/text/")).toEqual([pattern]);
  expect(await found("everything:demo://resource/dynamic/text/12")).toEqual([
    "everything:demo://resource/dynamic/text/12",
  ]);
  expect(await found("everything:demo://resource/dynamic/text/x")).toEqual([]);
  const args = (typed: string, prompt = "mcp__everything__completable-prompt") =>
    completeArgument(servers.connections("ws"), prompt, typed, new AbortController().signal);
  expect(await args("Eng")).toEqual({ values: ["Engineering"], replaces: 3 });
  expect((await args("")).values).toHaveLength(4);
  // What is typed before decides what fits; the last argument takes the rest.
  expect(await args('"Sales" ')).toEqual({ values: ["David", "Eve", "Frank"], replaces: 0 });
  expect(await args("Sales Da")).toEqual({ values: ["David"], replaces: 2 });
  expect(await args("Sales David x")).toEqual({ values: [], replaces: 7 });
  expect(await args("x", "mcp__everything__simple-prompt")).toEqual({ values: [], replaces: 0 });
  expect(await args("x", "mcp__other__prompt")).toEqual({ values: [], replaces: 0 });
  writeFileSync(join(root, "a.txt"), "the text");
  expect(await call("mcp__files__read_text_file", { path: join(root, "a.txt") })).toEqual({
    text: '<outside_data source="MCP server files">\nthe text\n</outside_data>',
  });
  expect(await call("mcp__files__read_text_file", { path: "/etc/passwd" })).toMatchObject({ isError: true });
  expect(await call("mcp__everything__echo", {})).toMatchObject({ isError: true });
});

test("a server that misbehaves says why in a sentence, and the others work", async () => {
  const { names, call, reason } = await openServers({
    hangs: { ...odd("hangs"), start_timeout_ms: 1_000 },
    dies: odd("dies"),
    missing: { command: ["no-such-program-here"] },
    gone: { url: `http://127.0.0.1:${await closedPort()}/mcp` },
    banner: odd("banner"),
    floods: odd("floods"),
    overflows: odd("overflows"),
    lies: odd("lies"),
  });
  expect(["hangs", "dies", "missing", "gone", "banner"].map(reason)).toEqual([
    "it did not answer within 1 s",
    "it ended (exited with code 7: the token is missing)",
    "its program was not found",
    "nobody answers at its address",
    "ready",
  ]);
  expect(names()).toEqual([
    ...["mcp__banner__good", "mcp__floods__good", "mcp__overflows__good"],
    ...["mcp__lies__odd", "mcp__lies__text", "mcp__lies__good"],
  ]);
  const flood = (await call("mcp__floods__good", {})).text;
  expect(flood.length).toBeLessThan(31_000);
  const [, file = ""] =
    /The whole result \(10000000 characters\) is in (\S+): read or search/.exec(flood) ?? [];
  onTestFinished(() => rmSync(file, { force: true }));
  expect(readFileSync(file, "latin1")).toBe("x".repeat(10_000_000));
  // It is too long to be read, so the call fails; it does not wait for its time to be over.
  expect(await call("mcp__overflows__good", {})).toMatchObject({
    text: expect.stringContaining("a message of more than 16 MB"),
    isError: true,
  });
  expect(await call("mcp__lies__good", {})).toEqual({
    text: expect.stringContaining("[a part that is not of the form that MCP demands]\nyes"),
  });
  const environment = JSON.parse(/\{.*\}/s.exec((await call("mcp__banner__good", {})).text)?.[0] ?? "");
  expect(Object.keys(environment)).toContain("PATH");
  expect(environment.HEARTH_HOME).toBeUndefined();
});

test("a model that can see is given the images of a result, and is told which cannot be shown", async () => {
  const drawing =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const [command = "", ...args] = odd("draws").command ?? [];
  const { call } = await openServers({ artist: { command: [command, ...args, drawing] } });
  expect(await call("mcp__artist__good", {})).toEqual({
    text: '<outside_data source="MCP server artist">\n[image 1]\n[image 2]\nas asked\n</outside_data>\nimage 2 is of a kind that cannot be shown.',
    files: [{ name: "image 1", media_type: "image/png", data: drawing }],
  });
});

test("a server that dies is started again at the next call; a call that is canceled ends", async () => {
  const { call, reason } = await openServers({ mortal: odd("dies-later"), silent: odd("silent") });
  expect(await call("mcp__mortal__good", {})).toMatchObject({ isError: true });
  await vi.waitFor(() => expect(reason("mortal")).toBe("it ended (exited with code 3)"), 30_000);
  const abort = new AbortController();
  const calling = call("mcp__silent__good", {}, abort.signal);
  abort.abort();
  await expect(calling).rejects.toThrow();
});

test("new tools of a server come last; the list is the same object while nothing changes", async () => {
  const { servers, names, call, changed } = await openServers({ grows: odd("grows"), other: odd("banner") });
  const before = servers.tools("ws");
  expect(servers.tools("ws")).toBe(before);
  const seen = changed.mock.calls.length;
  await call("mcp__grows__good", {});
  await vi.waitFor(() => expect(changed.mock.calls.length).toBeGreaterThan(seen), 30_000);
  expect(names()).toContain("mcp__grows__new");
});

test("many tools are found by words and called through one tool", async () => {
  const tool = (name: string, description: string) =>
    ({
      name,
      description,
      schema: { type: "object" },
      prepare: async (input: unknown) => ({ text: JSON.stringify(input) }),
    }) as unknown as Tool;
  const all = [
    tool("mcp__git__log", "Shows commits"),
    tool("mcp__web__fetch", "Loads a page"),
    tool("mcp__git__push", "Sends commits"),
  ];
  expect(findTools(all, "git push").map(({ name }) => name)).toEqual(["mcp__git__push", "mcp__git__log"]);
  const [search, call] = createToolSearch(() => all, ["git", "web"]) as [Tool, Tool];
  const context = {} as ToolContext;
  expect(await search.prepare({ query: "page" }, context)).toMatchObject({
    text: expect.stringContaining("mcp__web__fetch: Loads a page"),
  });
  expect(await call.prepare({ tool: "mcp__web__fetch", arguments: { a: 1 } }, context)).toEqual({
    text: '{"a":1}',
  });
  expect(await call.prepare({ tool: "none", arguments: {} }, context)).toMatchObject({ isError: true });
});

test("a URI that is being typed is told by the variable of its pattern that it has reached", () => {
  const at = (template: string, typed: string, value = "a b/c") => {
    const filling = fillingOf(template, typed);
    return filling && [filling.name, filling.value, filling.earlier, filling.with(value)];
  };
  const tickets = "t://{project}/tickets/{id}";
  expect(at(tickets, "t://we", "web")).toEqual(["project", "we", {}, "t://web/tickets/{id}"]);
  expect(at(tickets, "t://web%20x/tickets/4")).toEqual([
    ...["id", "4", { project: "web x" }],
    "t://web%20x/tickets/a%20b%2Fc",
  ]);
  expect(at(tickets, "t:/")).toBeUndefined();
  expect(at(tickets, "t://web/other/4")).toBeUndefined();
  expect(at("file:///{+path}", "file:///src/a")).toEqual(["path", "src/a", {}, "file:///a%20b/c"]);
  expect(at("s://q{?from,to}", "s://q?from=1&to=%")).toEqual([
    ...["to", "%", { from: "1" }],
    "s://q?from=1&to=a%20b%2Fc",
  ]);
  expect(at("s://a{/path*}", "s://a/b")).toEqual(["path", "b", {}, "s://a/a%20b%2Fc"]);
  expect(at("s://a", "s://a")).toBeUndefined();
});

test("names and schemas become what every provider takes", () => {
  expect(toolName("my server", "do/it")).toBe("mcp__my_server__do_it");
  expect(toolName("s", "x".repeat(100))).toMatch(/^mcp__s__x+_[0-9a-f]{8}$/);
  expect(toolName("s", "x".repeat(100))).toHaveLength(64);
  expect(simplifySchema("nonsense")).toEqual({ type: "object", properties: {} });
  expect(
    simplifySchema({
      $schema: "x",
      type: "object",
      additionalProperties: false,
      $defs: {
        node: { type: "object", properties: { next: { $ref: "#/$defs/node" } } },
        id: { type: "integer" },
      },
      properties: {
        id: { $ref: "#/$defs/id", description: "The id" },
        when: { type: ["string", "null"], format: "date" },
        level: { enum: [1, 2] },
        kind: { const: "a" },
        list: { type: "array" },
        either: { anyOf: [{ type: "string" }, { type: "object", properties: { a: true } }] },
        "no name": { type: "string" },
      },
      required: ["id", "no name", 5],
    }),
  ).toEqual({
    type: "object",
    properties: {
      id: { type: "integer", description: "The id" },
      when: { type: "string", description: "format: date" },
      level: { type: ["string", "number", "boolean"], description: "one of 1, 2" },
      kind: { type: "string", enum: ["a"] },
      list: { type: "array", items: { type: ["string", "number", "boolean"] } },
      either: {
        anyOf: [
          { type: "string" },
          { type: "object", properties: { a: { type: ["string", "number", "boolean"] } } },
        ],
      },
    },
    required: ["id"],
  });
  // Alternatives at the top are one object; what refers to itself ends.
  const merged = simplifySchema({
    oneOf: [{ properties: { a: { type: "string" } }, required: ["a"] }, { properties: { b: { $ref: "#" } } }],
  });
  expect(Object.keys(merged["properties"] as object)).toEqual(["a", "b"]);
  expect(merged["required"]).toBeUndefined();
  expect(JSON.stringify(merged)).not.toMatch(/oneOf|\$ref/);
});
