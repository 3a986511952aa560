import type { KnownModel } from "../protocol/known-model.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { formatTable } from "./output/format.ts";

/** `hearth models list|refresh`: what is known of the models of hearth's own agent. */
export async function models(parsed: Parsed, context: Context): Promise<number> {
  const { out } = context;
  if (parsed.command.path[1] === "refresh") {
    const found = await connectHere(context, ({ request, workspace }) =>
      request("POST /v1/workspaces/{wid}/models/refresh", { params: { wid: workspace.id } }),
    );
    if (parsed.options["json"] === true) await out.json(found);
    else
      await out.line(
        `${found.models} models of ${found.providers} providers, read from ${found.source}; kept in ${found.file}.`,
      );
    return exitCodes.done;
  }
  return list(parsed, context);
}

async function list({ options, positionals }: Parsed, { out, ...context }: Context): Promise<number> {
  const found = await connectHere({ out, ...context }, ({ request, workspace }) =>
    request("GET /v1/workspaces/{wid}/models", { params: { wid: workspace.id } }),
  );
  const words = positionals.map((word) => word.toLowerCase());
  const isWanted = ({ id, usable }: KnownModel) =>
    (usable || options["all"] === true) && words.every((word) => id.toLowerCase().includes(word));
  const shown = found.models.filter(isWanted);
  if (options["json"] === true) await out.json({ ...found, models: shown }, 2);
  else if (shown.length === 0)
    await out.line(
      words.length > 0
        ? `No usable model has ${words.join(" ")} in its name; \`hearth models list --all\` shows all that are known.`
        : "No provider has a key yet; `hearth models list --all` shows all models that are known.",
    );
  else {
    const head = ["MODEL", "WINDOW", "OUTPUT", "IN", "OUT", "CACHED", "CAN", "EFFORT"];
    await out.write(formatTable([head, ...shown.map(rowOf)]));
  }
  return exitCodes.done;
}

const tokens = (count: number | null): string => {
  if (count === null) return "?";
  return count >= 1_000_000 ? `${Number((count / 1_000_000).toFixed(2))}M` : `${Math.round(count / 1_000)}k`;
};
const dollars = (price: number | undefined): string => (price === undefined ? "?" : `$${price}`);

const rowOf = ({ id, context_window, max_output_tokens, abilities, efforts, cost }: KnownModel): string[] => [
  id,
  tokens(context_window),
  tokens(max_output_tokens),
  dollars(cost?.input),
  dollars(cost?.output),
  dollars(cost?.cache_read),
  abilities?.join(" ") ?? "?",
  efforts.join(" "),
];
