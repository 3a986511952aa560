import { valuesAt } from "./complete.ts";
import type { McpConnection } from "./connection.ts";
import { fillingOf } from "./uri-template.ts";

/** Before the files of a list: there are few resources, and who types one's letters wants it. */
const FOUND_MAX = 8;
/** Values of a variable. A server gives at most a hundred; nothing else fits what is typed. */
const VALUES_MAX = 50;

/**
 * The resources whose `SERVER:URI` or name holds what was typed, as a prompt names them after `@`. Of a pattern of URIs
 * (`SERVER:file:///{path}`) the server completes the variable that is being typed; what is left to fill in stands in
 * braces.
 */
export async function findResources(
  servers: readonly McpConnection[],
  typed: string,
  signal: AbortSignal,
): Promise<string[]> {
  const values = await Promise.all(servers.map((server) => valuesFor(server, typed, signal)));
  const completed = [...new Set(values.flat())].slice(0, VALUES_MAX);
  const wanted = typed.toLowerCase();
  const found = servers.flatMap(({ spec, state }) => {
    const now = state();
    if (now.phase !== "ready") return [];
    const { resources, templates } = now.offers;
    const patterns = templates.map(({ template, name }) => ({ uri: template, name }));
    return [...resources, ...patterns].flatMap(({ uri, name }) => {
      const named = `${spec.name}:${uri}`;
      const isMeant = [named, name].some((text) => text.toLowerCase().includes(wanted));
      return isMeant && !/\s/.test(uri) && !completed.includes(named) ? [named] : [];
    });
  });
  return [...completed, ...found.slice(0, FOUND_MAX)];
}

/** The URIs of a server's patterns with the values that it knows for the variable at the end of what was typed. */
async function valuesFor(server: McpConnection, typed: string, signal: AbortSignal): Promise<string[]> {
  const { spec, state } = server;
  const now = state();
  const before = `${spec.name}:`;
  if (now.phase !== "ready" || !now.offers.canComplete || !typed.startsWith(before)) return [];
  const uris = now.offers.templates.map(async ({ template }): Promise<string[]> => {
    const filling = fillingOf(template, typed.slice(before.length));
    if (filling === undefined) return [];
    const { name, value, earlier } = filling;
    const ref = { type: "ref/resource", uri: template } as const;
    return (await valuesAt(server, { ref, argument: { name, value }, earlier }, signal)).map(filling.with);
  });
  return (await Promise.all(uris)).flat().map((uri) => before + uri);
}
