import { z } from "zod";
import type { Tool } from "../tools/tool.ts";
import { parseLenient } from "./lenient-json.ts";
import { resolveToolName, type ToolSet } from "./tool-set.ts";

/** A call as the model wrote it. */
export type RawCall = { name: string; arguments: string };

export type CheckedCall =
  /** `given` is what the model meant, `input` the same with the schema's defaults. */
  | {
      ok: true;
      tool: Tool;
      given: Record<string, unknown>;
      input: unknown;
      /** Arguments that the tool does not have. */
      ignored?: readonly string[];
    }
  /** `text` is sent as the call's result. `given` is what can be shown of the call. */
  | {
      ok: false;
      tool: Tool | undefined;
      given: Record<string, unknown>;
      why: "cut_off" | "unknown_tool" | "not_json" | "schema";
      text: string;
    };

const EXCERPT_CHARS_MAX = 400;
const SCHEMA_CHARS_MAX = 3_000;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Parses the arguments to an object. `isWhole`: the answer was not cut off. */
function parseArguments(text: string, isWhole: boolean): { value: Record<string, unknown> } | undefined {
  if (text.trim() === "") return isWhole ? { value: {} } : undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not valid JSON: only a complete answer may be parsed leniently.
    const lenient = isWhole ? parseLenient(text) : undefined;
    if (lenient === undefined) return undefined;
    value = lenient.value;
  }
  if (typeof value === "string") {
    try {
      value = JSON.parse(value); // some models encode the object twice
    } catch {
      return undefined;
    }
  }
  if (value === null) return { value: {} };
  return isObject(value) ? { value } : undefined;
}

/** The value at `path`, and a function that replaces it in a copy. */
function withValueAt(
  root: unknown,
  path: readonly PropertyKey[],
  change: (value: unknown) => unknown,
): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(root);
  if (Array.isArray(root))
    return root.map((item, at) => (at === key ? withValueAt(item, rest, change) : item));
  if (!isObject(root) || typeof key !== "string") return root;
  const changed = withValueAt(root[key], rest, change);
  if (changed !== undefined) return { ...root, [key]: changed };
  const { [key]: _, ...without } = root;
  return without;
}

/** Converts a value of the wrong type that can only mean one thing: "3", "true", an array written as a string, null. */
function coerce(value: unknown, expected: string): unknown {
  if (value === null) return undefined;
  if (typeof value === "string") {
    if ((expected === "number" || expected === "int") && /^-?\d+(\.\d+)?$/.test(value.trim()))
      return Number(value);
    if (expected === "boolean" && /^(true|false)$/i.test(value.trim()))
      return value.trim().toLowerCase() === "true";
    if (expected === "array" || expected === "object" || expected === "record") {
      const parsed = parseLenient(value)?.value;
      if (expected === "array" ? Array.isArray(parsed) : isObject(parsed)) return parsed;
    }
  }
  if (expected === "array" && isObject(value)) return [value];
  if (expected === "string" && (typeof value === "number" || typeof value === "boolean"))
    return String(value);
  return value;
}

type Accepted =
  | { ok: true; given: Record<string, unknown>; input: unknown }
  | { ok: false; error: z.ZodError };

function parseInput(input: z.ZodType, value: Record<string, unknown>): Accepted {
  const first = input.safeParse(value);
  if (first.success) return { ok: true, given: value, input: first.data };
  const mended = first.error.issues.reduce<unknown>(
    (at, issue) =>
      issue.code === "invalid_type"
        ? withValueAt(at, issue.path, (found) => coerce(found, issue.expected))
        : at,
    value,
  );
  const second = input.safeParse(mended);
  return second.success && isObject(mended)
    ? { ok: true, given: mended, input: second.data }
    : { ok: false, error: first.error };
}

const quoteSchema = (set: ToolSet, name: string): string => {
  const schema = JSON.stringify(set.schemaOf(name) ?? {});
  return schema.length > SCHEMA_CHARS_MAX ? `${schema.slice(0, SCHEMA_CHARS_MAX)}…` : schema;
};

/** Other people's tools take their arguments as they are. */
function unknownArguments({ input, schema }: Tool, given: Record<string, unknown>): string[] {
  if (schema !== undefined || !(input instanceof z.ZodObject)) return [];
  return Object.keys(given).filter((name) => !Object.hasOwn(input.shape, name));
}

/**
 * Turns what the model wrote into a call, or says what is wrong with it. `withSchema` adds the schema to that; the loop
 * stops adding it if it does not help.
 */
export function checkCall(raw: RawCall, set: ToolSet, isWhole: boolean, withSchema: boolean): CheckedCall {
  const name = resolveToolName(raw.name, set);
  const tool = name === undefined ? undefined : set.get(name);
  const parsed = parseArguments(raw.arguments, isWhole);
  const given = parsed?.value ?? {};
  if (parsed === undefined && !isWhole)
    return {
      ok: false,
      tool,
      given,
      why: "cut_off",
      text: "This call was not run: the output limit cut it off before its arguments were complete. Make it again in smaller pieces, for example a long file by writing its beginning and then adding to it with edit.",
    };
  if (tool === undefined)
    return {
      ok: false,
      tool,
      given,
      why: "unknown_tool",
      text: `There is no tool named ${JSON.stringify(raw.name)}. The tools are: ${set.names.join(", ")}.`,
    };
  const expected = withSchema
    ? ` The arguments must match this JSON Schema: ${quoteSchema(set, tool.name)}`
    : "";
  if (parsed === undefined) {
    const excerpt = raw.arguments.slice(0, EXCERPT_CHARS_MAX);
    return {
      ok: false,
      tool,
      given,
      why: "not_json",
      text: `This call was not run: its arguments are not a JSON object. They begin with: ${excerpt}${expected}`,
    };
  }
  const checked = parseInput(tool.input, tool.normalize?.(parsed.value) ?? parsed.value);
  if (checked.ok) {
    const ignored = unknownArguments(tool, checked.given);
    return {
      ok: true,
      tool,
      given: checked.given,
      input: checked.input,
      ...(ignored.length > 0 && { ignored }),
    };
  }
  const issues = checked.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.length > 0 ? issue.path.join(".") : "arguments"}: ${issue.message}`)
    .join("; ");
  return {
    ok: false,
    tool,
    given,
    why: "schema",
    text: `This call was not run: its arguments do not fit ${tool.name} (${issues}).${expected}`,
  };
}
