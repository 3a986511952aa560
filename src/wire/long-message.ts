export type Id = string | number | null;

/** What is known of a message of which only both ends were kept. `id` is undefined for a notification, and if unknown. */
export type LongMessage = { id: Id | undefined; isRequest: boolean };

const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
const PRIMITIVE = String.raw`${STRING}|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null`;
const KEY = new RegExp(String.raw`\s*(${STRING})\s*:\s*`, "y");
const VALUE = new RegExp(String.raw`(${PRIMITIVE})\s*[,}]`, "y");
const LAST_MEMBERS = new RegExp(String.raw`(?:,\s*"(?:jsonrpc|id|method)"\s*:\s*(?:${PRIMITIVE})\s*)+\}\s*$`);

/**
 * Reads the members of the message itself, never those inside a member, which may have an id of their own. Writers that
 * do not keep an order put the id behind the parameters.
 */
export function longMessage(head: string, tail: string): LongMessage {
  const last = LAST_MEMBERS.exec(tail)?.[0];
  const members = new Map([
    ...membersOf(head),
    ...(last === undefined ? [] : membersOf(`{${last.slice(1)}`)),
  ]);
  const id = members.get("id");
  return {
    id: typeof id === "string" || typeof id === "number" ? id : undefined,
    isRequest: members.has("method") || members.has("params"),
  };
}

/** The members up to the first that does not end in `text`; its value is undefined. */
function membersOf(text: string): Map<string, unknown> {
  const members = new Map<string, unknown>();
  let at = /^\s*\{/.exec(text)?.[0].length;
  while (at !== undefined) {
    KEY.lastIndex = at;
    const key = parsed(KEY.exec(text)?.[1]);
    if (typeof key !== "string") break;
    VALUE.lastIndex = KEY.lastIndex;
    const value = VALUE.exec(text);
    members.set(key, parsed(value?.[1]));
    at = value === null ? afterNested(text, KEY.lastIndex) : VALUE.lastIndex;
  }
  return members;
}

/** Where the member after an object or a list begins; undefined if its end is not there. */
function afterNested(text: string, start: number): number | undefined {
  let depth = 0;
  let isInText = false;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (isInText) {
      if (char === "\\") at += 1;
      else if (char === '"') isInText = false;
    } else if (char === '"') isInText = true;
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") {
      depth -= 1;
      if (depth < 0) return undefined;
    } else if (char === "," && depth === 0) return at + 1;
  }
  return undefined;
}

/** undefined for what is no JSON. */
function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
