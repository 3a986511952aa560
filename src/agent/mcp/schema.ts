/** A JSON Schema, or a part of one, from a server. */
type Schema = Record<string, unknown>;

const DEPTH_MAX = 12;
/** Resolved references may multiply; a schema with more parts than this is cut. */
const PARTS_MAX = 2_000;
const BYTES_MAX = 16 * 1024;
const DESCRIPTION_CHARS_MAX = 1_000;
/** Anthropic accepts no other property names. */
const propertyName = /^[a-zA-Z0-9_.-]{1,64}$/;
const types = new Set(["string", "number", "integer", "boolean", "object", "array", "null"]);
/** Kept unchanged: every provider accepts or ignores them. */
const plainKeys = [
  ...["title", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"],
] as const;

const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reduces a tool's schema to the part of JSON Schema that every provider accepts: an object at the top, no references,
 * no conditions, plain types. What cannot be expressed is left open, since the server checks the arguments itself.
 * Never throws.
 */
export function simplifySchema(given: unknown): Schema {
  const root = isObject(given) ? given : {};
  const whole = objectOf(root, root);
  if (JSON.stringify(whole).length <= BYTES_MAX) return whole;
  const names = Object.keys(isObject(whole["properties"]) ? whole["properties"] : {});
  const open = Object.fromEntries(names.slice(0, 100).map((name) => [name, anyValue]));
  return { type: "object", properties: open };
}

const anyValue: Schema = { type: ["string", "number", "boolean"] };

/** The top must be an object: alternatives are merged, and only properties that all of them require are required. */
function objectOf(schema: Schema, root: Schema): Schema {
  const count = { left: PARTS_MAX };
  const top = resolved(schema, root);
  const merged: Schema = { ...top };
  for (const key of ["allOf", "anyOf", "oneOf"] as const) {
    const parts = Array.isArray(top[key])
      ? top[key].filter(isObject).map((part) => resolved(part, root))
      : [];
    if (parts.length === 0) continue;
    const properties = [top, ...parts].map((part) =>
      isObject(part["properties"]) ? part["properties"] : {},
    );
    merged["properties"] = Object.assign({}, merged["properties"], ...properties);
    const required = parts.map((part) => (Array.isArray(part["required"]) ? part["required"] : []));
    const shared =
      key === "allOf"
        ? required.flat()
        : (required[0] ?? []).filter((name) => required.every((each) => each.includes(name)));
    merged["required"] = [...(Array.isArray(top["required"]) ? top["required"] : []), ...shared];
  }
  const { allOf: _, anyOf: __, oneOf: ___, ...rest } = merged;
  const simple = simplify({ ...rest, type: "object" }, root, 0, count);
  return { ...simple, type: "object", properties: simple["properties"] ?? {} };
}

function resolved(schema: Schema, root: Schema): Schema {
  let at = schema;
  for (let hops = 0; hops < DEPTH_MAX && typeof at["$ref"] === "string"; hops += 1) {
    const target = pointedAt(root, at["$ref"]);
    if (!isObject(target)) return {};
    const { $ref: _, ...beside } = at;
    at = { ...target, ...beside };
  }
  return typeof at["$ref"] === "string" ? {} : at;
}

function pointedAt(root: Schema, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  const steps = reference
    .slice(1)
    .split("/")
    .filter((step) => step !== "");
  return steps.reduce<unknown>(
    (at, step) =>
      isObject(at) ? at[decodeURIComponent(step).replace(/~1/g, "/").replace(/~0/g, "~")] : undefined,
    root,
  );
}

function simplify(given: unknown, root: Schema, depth: number, count: { left: number }): Schema {
  count.left -= 1;
  if (!isObject(given) || depth > DEPTH_MAX || count.left < 0) return anyValue;
  const schema = resolved(given, root);
  const simple: Schema = {};
  for (const key of plainKeys) if (schema[key] !== undefined) simple[key] = schema[key];
  const notes: string[] = [];
  if (typeof schema["description"] === "string") notes.push(schema["description"]);
  if (typeof schema["format"] === "string") notes.push(`format: ${schema["format"]}`);
  const values = Array.isArray(schema["enum"])
    ? schema["enum"]
    : schema["const"] === undefined
      ? []
      : [schema["const"]];
  if (values.length > 0 && values.every((value) => typeof value === "string")) simple["enum"] = values;
  else if (values.length > 0) notes.push(`one of ${values.map((value) => JSON.stringify(value)).join(", ")}`);
  const alternatives = ["anyOf", "oneOf"].flatMap((key) => (Array.isArray(schema[key]) ? schema[key] : []));
  const type = typeOf(schema, values);
  if (type !== undefined) simple["type"] = type;
  else if (alternatives.length > 0 && alternatives.length <= 20)
    simple["anyOf"] = alternatives.map((part) => simplify(part, root, depth + 1, count));
  else Object.assign(simple, anyValue);
  if (type === "object") Object.assign(simple, propertiesOf(schema, root, depth, count));
  if (type === "array") {
    const items = Array.isArray(schema["items"]) ? schema["items"][0] : schema["items"];
    simple["items"] = simplify(items ?? {}, root, depth + 1, count);
  }
  if (notes.length > 0)
    simple["description"] = notes.join("; ").slice(0, DESCRIPTION_CHARS_MAX).toWellFormed();
  return simple;
}

function typeOf(schema: Schema, values: readonly unknown[]): unknown {
  const said = Array.isArray(schema["type"]) ? schema["type"] : [schema["type"]];
  const known = said.filter((type) => typeof type === "string" && types.has(type));
  if (known.length > 1) {
    // Only alternatives with null or between plain types are kept: objects and arrays cannot be distinguished.
    const [first, ...others] = known.filter((type) => type !== "null");
    return others.length === 0 || first === "object" || first === "array" ? first : [first, ...others];
  }
  if (known.length === 1) return known[0];
  if (isObject(schema["properties"])) return "object";
  if (schema["items"] !== undefined) return "array";
  return values.length > 0 && values.every((value) => typeof value === "string") ? "string" : undefined;
}

function propertiesOf(schema: Schema, root: Schema, depth: number, count: { left: number }): Schema {
  const given = isObject(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  const named = given.filter(([name, part]) => propertyName.test(name) && part !== false);
  const properties = Object.fromEntries(
    named.map(([name, part]) => [name, simplify(part, root, depth + 1, count)]),
  );
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const demanded = [...new Set(required)].filter((name) => typeof name === "string" && name in properties);
  return { properties, ...(demanded.length === 0 ? {} : { required: demanded }) };
}
