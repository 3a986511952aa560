import type { Connection } from "../client/connect.ts";
import { plural } from "../protocol/plural.ts";
import type { Trust } from "../protocol/trust.ts";
import type { Context } from "./context.ts";
import { withoutEscapes } from "./output/printable.ts";

/**
 * Gives the trust that the command line names, and says on stderr what is left out without it. Throws trust_changed for
 * a hash of something else.
 */
export async function settleTrust(
  { request, workspace, trust }: Connection,
  hash: string | undefined,
  err: Context["err"],
): Promise<void> {
  if (hash !== undefined) {
    await request("POST /v1/workspaces/{wid}/trust", { params: { wid: workspace.id }, body: { hash } });
    return;
  }
  if (trust !== undefined && !trust.is_trusted) await err.line(`hearth: ${untrustedLines(trust).join("\n")}`);
}

function untrustedLines({ hash, items }: Trust): string[] {
  const left = items.filter(({ is_trusted }) => !is_trusted);
  return [
    `This directory would start ${plural(left.length, "program")} of its own, left out because nobody has trusted it:`,
    ...left.flatMap(({ kind, name, source, text }) => [
      `  ${kind.replace("_", " ")} ${withoutEscapes(name)} (${source})`,
      ...text.split("\n").map((line) => `    ${withoutEscapes(line)}`),
    ]),
    `To run it too: --trust ${hash}`,
  ];
}
