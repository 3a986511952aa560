import { z } from "zod";
import { argumentsIn } from "../custom/expand-command.ts";
import type { McpConnection } from "./connection.ts";
import { toolName } from "./names.ts";

/** The list that is shown waits for it. */
const COMPLETE_MS_MAX = 1_000;

const Completed = z.looseObject({ completion: z.looseObject({ values: z.array(z.string()) }) });

type Asked = {
  ref: { type: "ref/resource"; uri: string } | { type: "ref/prompt"; name: string };
  argument: { name: string; value: string };
  /** What is filled in before it. */
  earlier: Readonly<Record<string, string>>;
};

/** The values that a server knows for what is being typed; none if it is slow or knows nothing of it. */
export async function valuesAt(
  { request }: McpConnection,
  { ref, argument, earlier }: Asked,
  signal: AbortSignal,
): Promise<string[]> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(COMPLETE_MS_MAX)]);
  const asked = { ref, argument, context: { arguments: earlier } };
  try {
    const { data } = Completed.safeParse(await request("completion/complete", asked, { signal: soon }));
    return (data?.completion.values ?? []).filter((value) => value !== "");
  } catch (error) {
    if (signal.aborted) throw error;
    return [];
  }
}

export type ArgumentValues = {
  values: string[];
  /** The characters at the end of what was typed that a value stands for. */
  replaces: number;
};

/**
 * The values for the argument of a server's prompt that is being typed. `typed`: what stands after the command's name.
 * As when it is sent, the last argument takes the rest.
 */
export async function completeArgument(
  servers: readonly McpConnection[],
  command: string,
  typed: string,
  signal: AbortSignal,
): Promise<ArgumentValues> {
  const none = { values: [], replaces: 0 };
  for (const server of servers) {
    const now = server.state();
    if (now.phase !== "ready" || !now.offers.canComplete) continue;
    const prompt = now.offers.prompts.find(({ name }) => toolName(server.spec.name, name) === command);
    if (prompt === undefined) continue;
    const words = argumentsIn(typed);
    const isBetween = typed === "" || /\s$/.test(typed);
    const last = prompt.arguments.length - 1;
    const at = Math.min(isBetween ? words.length : words.length - 1, last);
    const argument = prompt.arguments[at];
    if (argument === undefined) return none;
    const start = words[at]?.start ?? typed.length;
    const asked: Asked = {
      ref: { type: "ref/prompt", name: prompt.name },
      argument: { name: argument.name, value: typed.slice(start).replace(/^["']/, "") },
      earlier: Object.fromEntries(
        prompt.arguments.slice(0, at).map(({ name }, place) => [name, words[place]?.word ?? ""]),
      ),
    };
    const values = await valuesAt(server, asked, signal);
    const quoted = (value: string) => (at < last && /\s/.test(value) ? `"${value}"` : value);
    return { values: values.map(quoted), replaces: typed.length - start };
  }
  return none;
}
