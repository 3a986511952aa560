import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { eventSchemas, eventTypes } from "../../src/protocol/events.ts";
import { routeKeys } from "../../src/protocol/routes.ts";
import { createOpenApiDocument } from "../../src/server/http/openapi.ts";
import { bareHttp } from "../support/bare-http.ts";
import { bareServices } from "../support/bare-services.ts";

type Json = { [key: string]: Json };
const document = createOpenApiDocument() as Json;
const schemas = document["components"]?.["schemas"] ?? {};
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Every object in the document that has `key`, with the way to it. */
function* having(
  key: string,
  value: unknown = document,
  path = "",
): Generator<{ path: string; value: unknown }> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === key) yield { path, value: inner };
    yield* having(key, inner, `${path}/${name}`);
  }
}

const at = (reference: string): unknown =>
  reference
    .slice(2)
    .split("/")
    .reduce<Json | undefined>((value, name) => value?.[name], document);

/** A component made into a parser again: fails on what is no JSON Schema, and on a reference to nothing. */
const parserOf = (name: string) => {
  const local = JSON.parse(JSON.stringify(schemas).replaceAll("#/components/schemas/", "#/$defs/"));
  return z.fromJSONSchema({ $defs: local, $ref: `#/$defs/${name}` });
};

const id = (prefix: string) => `${prefix}_${"a".repeat(32)}`;
const time = "2026-01-02T03:04:05.006Z";

test("every route of the table is described, and nothing else", () => {
  const described = Object.entries(document["paths"] ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.toSorted()).toEqual(routeKeys.toSorted());
  const ids = [...having("operationId")].map(({ value }) => value);
  expect(new Set(ids).size).toBe(routeKeys.length);
});

test("every parameter in a path is described, and required", () => {
  for (const [path, methods] of Object.entries(document["paths"] ?? {})) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const operation of Object.values(methods)) {
      const parameters = Object.values(operation["parameters"] ?? {});
      const inPath = parameters.filter((parameter) => String(parameter["in"]) === "path");
      expect(inPath.map((parameter) => String(parameter["name"]))).toEqual(named);
      expect(inPath.every((parameter) => parameter["required"] as unknown)).toBe(true);
    }
  }
});

test("every operation says what its failures look like", () => {
  for (const operation of [...having("responses")].slice(0, routeKeys.length)) {
    expect(Object.keys(operation.value as Json)).toContain("default");
  }
  expect(at("#/components/responses/Error")).toMatchObject({
    content: { "application/json": { schema: { $ref: "#/components/schemas/ErrorReply" } } },
  });
});

test("every reference leads somewhere, and no schema keeps definitions of its own", () => {
  const references = [...having("$ref")];
  expect(references.length).toBeGreaterThan(100);
  expect(references.filter(({ value }) => at(String(value)) === undefined)).toEqual([]);
  expect([...having("$defs")]).toEqual([]);
  expect([...having("$schema")]).toEqual([]);
});

test("every pattern is one that the document's readers can use", () => {
  const patterns = [...having("pattern")].map(({ value }) => String(value));
  expect(patterns.length).toBeGreaterThan(8);
  for (const pattern of patterns) expect(() => new RegExp(pattern, "u")).not.toThrow();
});

test("every schema can be read back", () => {
  for (const name of Object.keys(schemas)) expect(() => parserOf(name)).not.toThrow();
  expect(() => z.fromJSONSchema({ type: "nonsense" } as never)).toThrow();
});

test("a schema read back takes what the daemon takes, and more fields, and turns down what it turns down", () => {
  const prompt = { session_id: id("ses"), prompt: "hi" };
  const body = parserOf("PromptBody");
  expect(body.safeParse({ ...prompt, mode: "plan", something_new: 1 }).success).toBe(true);
  for (const wrong of [{ prompt: 7 }, { session_id: "ses_1" }, { mode: "careless" }, { max_steps: 0 }]) {
    expect(body.safeParse({ ...prompt, ...wrong }).success).toBe(false);
  }
  const workspace = {
    ...{ id: id("ws"), path: "/", state: "open", created_at: time, branch: null },
  };
  const event = { seq: 1, type: "workspace.updated", time, payload: { workspace } };
  expect(eventSchemas["workspace.updated"].safeParse(event).success).toBe(true);
  expect(parserOf("Event").safeParse({ ...event, something_new: 1 }).success).toBe(true);
  expect(parserOf("Event").safeParse({ ...event, type: "workspace.closing" }).success).toBe(true);
  expect(parserOf("Event").safeParse({ ...event, type: "run.completed" }).success).toBe(false);
  expect(parserOf("Event").safeParse({ ...event, time: "yesterday" }).success).toBe(false);
});

test("every event is described under its type", () => {
  const mapping = schemas["Event"]?.["discriminator"]?.["mapping"] ?? {};
  expect(Object.keys(mapping)).toEqual(eventTypes);
  for (const [type, reference] of Object.entries(mapping)) {
    expect(at(String(reference))).toMatchObject({ properties: { type: { const: type } } });
  }
  const stream = document["paths"]?.["/v1/workspaces/{wid}/events"]?.["get"]?.["responses"]?.["200"];
  expect(stream).toMatchObject({
    content: { "text/event-stream": { "x-hearth-event": { $ref: expect.anything() } } },
  });
});

test("the document is served", async () => {
  const http = await bareHttp(bareServices());
  closing.push(http.close);
  const reply = await http.call("GET /v1/openapi.json");
  expect([reply.status, reply.json]).toEqual([200, document]);
  expect(reply.json.openapi).toBe("3.1.0");
});
