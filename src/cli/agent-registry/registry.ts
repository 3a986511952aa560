import { z } from "zod";
import { HearthError } from "../../protocol/errors.ts";
import { nearestName } from "../../protocol/nearest.ts";
import { snapshot, snapshotDate } from "./snapshot.ts";

/** The registry of the Agent Client Protocol. */
export const PUBLIC_REGISTRY = "https://cdn.agentclientprotocol.com/registry/v1/latest/registry.json";
const BYTES_MAX = 8 * 1024 * 1024;
const READ_MS_MAX = 20_000;
const REDIRECTS_MAX = 3;

const words = z.array(z.string().max(1_000)).max(100).optional();
const variables = z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string().max(10_000)).optional();
const Package = z.object({ package: z.string().max(300), args: words, env: variables });
const Binary = z.object({
  archive: z.url(),
  sha256: z
    .string()
    .regex(/^[a-fA-F0-9]{64}$/)
    .optional(),
  cmd: z.string().min(1).max(500),
  args: words,
  env: variables,
});
/** An agent as the registry describes it (agent.schema.json of agentclientprotocol/registry, August 2026). */
const Entry = z.object({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  name: z.string().max(200),
  version: z.string().regex(/^\d+\.\d+\.\d+[\w.+-]*$/),
  description: z.string().max(2_000),
  distribution: z.object({
    npx: Package.optional(),
    uvx: Package.optional(),
    binary: z.record(z.string(), Binary).optional(),
  }),
});
export type Entry = z.infer<typeof Entry>;
const File = z.object({ agents: z.array(z.unknown()) });

export type Registry = {
  entries: readonly Entry[];
  /** Where it was read, as a person should know it. */
  from: string;
  /** Why the copy that hearth ships with was used. */
  notice: string | null;
};

/** Reads the registry; when the public one cannot be reached, the copy that hearth ships with. Throws HearthError. */
export async function readRegistry(url: string, env: Env = {}): Promise<Registry> {
  try {
    const bytes = await download(url, { bytesMax: BYTES_MAX, msMax: READ_MS_MAX, env });
    return { entries: parseRegistry(bytes), from: url, notice: null };
  } catch (error) {
    if (url !== PUBLIC_REGISTRY || !(error instanceof HearthError)) throw error;
    const from = `hearth's own copy of ${snapshotDate}`;
    return { entries: snapshot, from, notice: `${error.message} ${from} is used instead.` };
  }
}

/** Entries of another form than expected are left out. Throws HearthError invalid_request. */
export function parseRegistry(bytes: Buffer): Entry[] {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new HearthError("invalid_request", "The registry is no JSON.");
  }
  const file = File.safeParse(value);
  if (!file.success) throw new HearthError("invalid_request", "The registry has no list of agents.");
  return file.data.agents.flatMap((agent) => Entry.safeParse(agent).data ?? []);
}

/** Throws UsageError-like HearthError naming what is near. */
export function entryOf({ entries, from }: Registry, id: string): Entry {
  const found = entries.find((entry) => entry.id === id);
  if (found !== undefined) return found;
  const ids = entries.map((entry) => entry.id);
  const near = nearestName(id, ids) ?? ids.find((known) => known.includes(id) || id.includes(known));
  const hint = near === undefined ? "`hearth agents search` lists all." : `Did you mean ${near}?`;
  throw new HearthError("invalid_request", `There is no agent ${id} in ${from}. ${hint}`);
}

/** A person's environment, for its proxy and certificates. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Downloads over https, or http on this machine, through redirects that stay so. Throws HearthError. */
export async function download(
  address: string,
  { bytesMax, msMax, env }: { bytesMax: number; msMax: number; env: Env },
): Promise<Buffer> {
  const { createConnections } = await import("../../agent/native/models/network/connection.ts");
  const connections = createConnections();
  const failed = (why: string, cause?: unknown) =>
    new HearthError("provider_unreachable", `${address} could not be read: ${why}.`, { cause });
  const read = async (): Promise<Buffer> => {
    const signal = AbortSignal.timeout(msMax);
    const fetch = await connections.fetchFor(Object.fromEntries(setVariables(env)));
    let url = checked(address);
    for (let redirects = 0; ; redirects += 1) {
      const reply = await fetch(url.href, { signal });
      const location = reply.headers.get("location");
      if (reply.status >= 300 && reply.status < 400 && location !== null) {
        if (redirects === REDIRECTS_MAX) throw failed("it redirects too often");
        url = checked(new URL(location, url).href);
        continue;
      }
      if (!reply.ok || reply.body === null) throw failed(`the server answers ${reply.status}`);
      const pieces: Buffer[] = [];
      let size = 0;
      for await (const piece of reply.body) {
        size += piece.length;
        if (size > bytesMax) throw failed(`it is larger than ${Math.round(bytesMax / 1024 ** 2)} MB`);
        pieces.push(Buffer.from(piece));
      }
      return Buffer.concat(pieces);
    }
  };
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof HearthError) throw cause;
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    throw failed(why instanceof Error ? why.message : String(why), cause);
  } finally {
    await connections.close();
  }
}

const setVariables = (env: Env) =>
  Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);

function checked(address: string): URL {
  const url = URL.parse(address);
  const isHere = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isHere)) return url;
  throw new HearthError(
    "invalid_request",
    `${address} is refused: a registry and what it names come over https, or http from this machine.`,
  );
}
