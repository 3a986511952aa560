import type { NewId } from "../protocol/ids.ts";
import type { RequestArguments, RequestKey } from "./client.ts";
import { randomHex } from "./random.ts";

/** Where a call that makes something says what it is called: asked for twice, it is made once. */
const chosenIds: { readonly [K in RequestKey]?: readonly [field: string, prefix: "ses" | "run"] } = {
  "POST /v1/workspaces/{wid}/sessions": ["id", "ses"],
  "POST /v1/workspaces/{wid}/sessions/{sid}/fork": ["id", "ses"],
  "POST /v1/workspaces/{wid}/agent": ["run_id", "run"],
};

/** The second time they would hit what has begun since: another run of the queue. */
const onceOnly: ReadonlySet<RequestKey> = new Set<RequestKey>([
  "POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel",
]);

/** False for a call that must not be carried out twice, and so is not repeated once it may have been read. */
export const mayBeAskedTwice = (key: RequestKey): boolean => !onceOnly.has(key);

/** The same call under an id of its own, to be kept for as long as it is repeated. */
export function withChosenId<K extends RequestKey>(key: K, args: RequestArguments<K>): RequestArguments<K> {
  const chosen = chosenIds[key];
  if (chosen === undefined) return args;
  const [field, prefix] = chosen;
  const input = (args[0] ?? {}) as { body?: Record<string, unknown> };
  if (input.body?.[field] !== undefined) return args;
  return [{ ...input, body: { ...input.body, [field]: newId(prefix) } }] as unknown as RequestArguments<K>;
}

export const newId: NewId = (prefix) => `${prefix}_${randomHex(16)}`;
