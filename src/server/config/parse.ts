import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { checkRule } from "../../agent/permission/rules/rules.ts";
import { Config } from "../../protocol/config.ts";
import { HearthError } from "../../protocol/errors.ts";
import { nearestName } from "../../protocol/nearest.ts";
import { type Issue, sentenceOfIssue } from "./issue.ts";
import { configSchema, type JsonSchema } from "./schema.ts";

export type ParsedConfig = { config: Config; warnings: string[] };

type Path = readonly (string | number)[];

type Mistake = { place: number; sentence: string; key: string | null };

/**
 * Reads the text of a `hearth.jsonc`. Throws config_invalid for the first mistake, naming file, line, column and
 * key; a key that hearth does not know is only a warning.
 */
export function parseConfig(text: string, file: string): ParsedConfig {
  return read(text, file, ({ place, sentence, key }) => {
    const { line, column } = placeOf(text, place);
    throw new HearthError("config_invalid", `${file}:${line}:${column}: ${sentence}`, {
      details: { file, line, column, key },
    });
  });
}

/**
 * The same for a project's file. Somebody else's mistake must not stop the user, so each one is a warning and the wrong
 * value is left out. The rest of the file counts.
 */
export function parseProjectConfig(text: string, file: string): ParsedConfig {
  const mistakes: string[] = [];
  const { config, warnings } = read(text, file, ({ place, sentence }) => {
    const { line, column } = placeOf(text, place);
    mistakes.push(`${file}:${line}:${column}: ${sentence} It is ignored.`);
  });
  return { config, warnings: [...mistakes, ...warnings] };
}

/** If `onMistake` returns, the wrong value is left out. */
function read(text: string, file: string, onMistake: (mistake: Mistake) => void): ParsedConfig {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  if (tree === undefined && isBlank(text)) return { config: {}, warnings: [] };
  const [error] = errors;
  // Later errors mostly follow from the first one. What the parser could read still counts.
  if (error !== undefined)
    onMistake({
      place: error.offset,
      sentence: sentenceOfMistake(error),
      key: keyAt(tree, error.offset),
    });
  if (tree === undefined) {
    if (error === undefined) onMistake({ place: 0, sentence: "this is not JSON.", key: null });
    return { config: {}, warnings: [] };
  }
  const nodeAt = (path: Path): Node | undefined => findNodeAtLocation(tree, [...path]);
  /** The nearest node that exists in the file: a missing key has no place of its own. */
  const placeAt = (path: Path): number =>
    (nodeAt(path) ?? (path.length === 0 ? tree : undefined))?.offset ?? placeAt(path.slice(0, -1));

  const config = checkedConfig(plainValue(tree), (issue, path) => {
    const sentence = sentenceOfIssue(issue, path, nodeAt(path) === undefined);
    onMistake({ place: placeAt(path), sentence, key: path.join(".") });
  });
  for (const list of ["allow", "ask", "deny"] as const) {
    const rules = config.permissions?.[list];
    if (rules === undefined || config.permissions === undefined) continue;
    config.permissions[list] = rules.filter((rule, index) => {
      const wrong = checkRule(rule);
      const path = ["permissions", list, index];
      if (wrong === undefined) return true;
      onMistake({ place: placeAt(path), sentence: `"permissions.${list}": ${wrong}.`, key: path.join(".") });
      return false;
    });
  }
  const warnings = [...unknownKeys(tree, configSchema(), [])].map(({ node, sentence }) => {
    const { line, column } = placeOf(text, node.offset);
    return `${file}:${line}:${column}: ${sentence}`;
  });
  return { config, warnings };
}

/** The part of a value that the schema accepts. Reports each issue once and removes what it is about. */
function checkedConfig(given: unknown, onIssue: (issue: Issue, path: (string | number)[]) => void): Config {
  let value = given;
  for (;;) {
    const { data, error } = Config.safeParse(value);
    if (data !== undefined) return data;
    const issue = error?.issues[0];
    if (issue === undefined) throw new Error("zod refused without an issue");
    const path = issue.path.filter((key) => typeof key !== "symbol");
    onIssue(issue, path);
    if (path.length === 0) return {};
    value = without(value, path);
  }
}

/** The value without what is at `path`. If a key is missing there, without the object that needs it. */
function without(value: unknown, path: Path): unknown {
  const [key, ...rest] = path;
  if (key === undefined || typeof value !== "object" || value === null) return undefined;
  const inner: unknown = Reflect.get(value, key);
  // Remove an object that lacks a key as a whole, and a whole list rather than one item: the later indexes would shift.
  const isWhole = inner === undefined || (Array.isArray(value) && rest.length === 0);
  if (isWhole) return undefined;
  const next = rest.length === 0 ? undefined : without(inner, rest);
  if (Array.isArray(value)) return next === undefined ? undefined : value.with(Number(key), next);
  const { [key]: _, ...others } = value as Record<string | number, unknown>;
  return next === undefined ? others : { ...others, [key]: next };
}

/** Like getNodeValue, without keys that would reach a prototype. */
function plainValue(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(plainValue);
  if (node.type !== "object") return node.value;
  const entries = (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
    key === undefined || value === undefined || key.value === "__proto__"
      ? []
      : [[String(key.value), plainValue(value)]],
  );
  return Object.fromEntries(entries);
}

function* unknownKeys(
  node: Node,
  schema: JsonSchema,
  path: Path,
): Generator<{ node: Node; sentence: string }> {
  if (node.type === "array") {
    for (const [index, child] of (node.children ?? []).entries()) {
      if (schema.items !== undefined) yield* unknownKeys(child, schema.items, [...path, index]);
    }
  }
  if (node.type !== "object") return;
  const known = schema.properties;
  const seen = new Set<string>();
  for (const { children: [key, value] = [] } of node.children ?? []) {
    if (key === undefined || value === undefined) continue;
    const name = String(key.value);
    const full = [...path, name].join(".");
    if (seen.has(name)) yield { node: key, sentence: `"${full}" is given twice; the last one counts.` };
    seen.add(name);
    const inner = known === undefined ? schema.additionalProperties : known[name];
    if (inner !== undefined) yield* unknownKeys(value, inner, [...path, name]);
    else if (known !== undefined && full !== "$schema") {
      const meant = nearestName(name, Object.keys(known));
      const hint = meant === undefined ? "it is ignored" : `did you mean "${meant}"? It is ignored`;
      yield { node: key, sentence: `unknown key "${full}"; ${hint}.` };
    }
  }
}

/** Lines and columns count from 1, as in editors. */
function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: before.length - start + 1 };
}

const isBlank = (text: string): boolean => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "").trim() === "";

function sentenceOfMistake({ error }: ParseError): string {
  const known: Record<string, string> = {
    CommaExpected: "a comma is missing before this.",
    ColonExpected: "a colon is missing after this key.",
    PropertyNameExpected: 'a key in double quotes is missing here, such as "model".',
    ValueExpected: "a value is missing here.",
    CloseBraceExpected: "a } is missing: an object is not closed.",
    CloseBracketExpected: "a ] is missing: a list is not closed.",
    EndOfFileExpected: "there is something after the end of the configuration.",
    UnexpectedEndOfString: "a text is not closed: its last double quote is missing.",
    UnexpectedEndOfComment: "a comment is not closed: */ is missing.",
    InvalidEscapeCharacter: 'this escape is none that JSON knows; a backslash is written "\\\\".',
    InvalidSymbol: "this is not a JSON value; put text in double quotes.",
  };
  const name = printParseErrorCode(error);
  return known[name] ?? `this is not JSON (${name}).`;
}

/** The key whose value contains the offset, to name a mistake by it. */
function keyAt(node: Node | undefined, offset: number): string | null {
  const around = (parent: Node | undefined): Node[] => {
    const child = parent?.children?.findLast((one) => one.offset <= offset);
    return child === undefined ? [] : [child, ...around(child)];
  };
  const names = around(node)
    .filter(({ type }) => type === "property")
    .map(({ children }) => String(children?.[0]?.value ?? ""));
  return names.length === 0 ? null : names.join(".");
}
