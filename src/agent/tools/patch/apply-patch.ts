import { z } from "zod";
import type { WorkerPool } from "../../worker/pool.ts";
import { locate } from "../../workspace-path.ts";
import { type Arguments, argumentNormalizer } from "../arguments.ts";
import { ToolFailure } from "../failure.ts";
import { type ChangeResult, type PlannedChange, planChange } from "../files/change-file.ts";
import { namedDiff, shortDiff } from "../files/unified-diff.ts";
import { CallEnded, defineTool, type RunHow, type ToolContext, type ToolResult } from "../tool.ts";
import { planMove, planRemoval } from "./move-file.ts";
import { type FileChange, type Hunk, parsePatch } from "./parse-patch.ts";

const PATCH_CHARS_MAX = 4_000_000;
const VIEW_CHARS_MAX = 64 * 1024;
const TEXT_CHARS_MAX = 30_000;

const input = z.object({
  input: z
    .string()
    .min(1)
    .max(PATCH_CHARS_MAX)
    .describe("The whole patch, from *** Begin Patch to *** End Patch"),
});

const names = argumentNormalizer({
  names: { input: ["patch", "patch_text", "patchText", "diff", "text", "content"] },
});

/** For models that are trained on this form; others edit more reliably with `edit`. */
export const createPatchTool = (workers: WorkerPool) =>
  defineTool({
    name: "apply_patch",
    kind: "edit",
    readOnly: false,
    offeredTo: "gpt",
    description:
      "Changes files by a patch, all of it or nothing. Between *** Begin Patch and *** End Patch stand sections: *** Add File: PATH (every line with +), *** Delete File: PATH, *** Update File: PATH (optionally *** Move to: PATH in the next line). An update has hunks that begin with @@, or @@ and a line above the place, such as a function's head; then lines with a space (stay), - (go) or + (come), with 3 lines of context on each side. Files that exist must have been read with read first. Call this tool itself, not through bash.",
    input,
    normalize(given: Arguments) {
      // Written as a command line: ["apply_patch", "*** Begin Patch…"].
      const { command } = given;
      const last: unknown = Array.isArray(command) ? command.at(-1) : command;
      return names(typeof last === "string" && given["input"] === undefined ? { input: last } : given);
    },
    paths: ({ input: text }) => pathsIn(String(text ?? "")),
    title: ({ input: text }) => pathsIn(text ?? "").join(", "),
    async prepare({ input: text }, context) {
      const changes = parsePatch(text);
      const plans = await planAll(changes, context, workers);
      const [permission, ...others] = plans.flatMap(({ permissions }) => permissions);
      return {
        ...(permission !== undefined && { permission }),
        async run(how) {
          for (const other of others) await authorized(how, other);
          return applyAll(plans);
        },
      };
    },
  });

const pathsIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/^\*\*\* (?:(?:Add|Delete|Update) File|Move to): ?(.+)$/gm)].map((found) =>
      (found[1] ?? "").trim(),
    ),
  ),
];

async function authorized(how: RunHow | undefined, permission: PlannedChange["permissions"][number]) {
  if (how?.authorize === undefined)
    throw new ToolFailure("Nothing was changed: nobody was asked about all files.");
  try {
    await how.authorize(permission);
  } catch (error) {
    if (!(error instanceof CallEnded) || error.denied === undefined) throw error;
    throw new CallEnded(`${error.denied} Nothing of the patch was applied.`);
  }
}

async function planAll(
  changes: readonly FileChange[],
  context: ToolContext,
  workers: WorkerPool,
): Promise<PlannedChange[]> {
  const plans: PlannedChange[] = [];
  const taken = new Set<string>();
  const placeOf = async (path: string) => {
    const place = await locate(context.root, path);
    if (taken.has(place.real))
      throw new ToolFailure(
        `The patch names ${place.shown} more than once. Nothing was changed. Put all its changes into one section, or use two patches.`,
      );
    taken.add(place.real);
    return place;
  };
  for (const change of changes) {
    const place = await placeOf(change.path);
    if (change.kind === "delete") plans.push(await planRemoval(place, context, workers));
    else if (change.kind === "add")
      plans.push(
        await planChange(place, context, workers, (before) => ({
          asked: { after: change.content },
          done: before === undefined ? "Created" : "Replaced",
        })),
      );
    else if (change.moveTo !== undefined && change.moveTo !== change.path) {
      const to = await placeOf(change.moveTo);
      const notesOf = notesFor(change.hunks);
      plans.push(
        await planMove({ from: place, to, asked: { hunks: change.hunks }, notesOf }, context, workers),
      );
    } else
      plans.push(
        await planChange(place, context, workers, (before) => {
          if (before === undefined)
            throw new ToolFailure(`${place.shown} does not exist: use *** Add File. Nothing was changed.`);
          if (change.hunks.length === 0)
            throw new ToolFailure(`The section of ${place.shown} changes nothing. Nothing was changed.`);
          return { asked: { hunks: change.hunks }, done: "Edited", notesOf: notesFor(change.hunks) };
        }),
      );
  }
  return plans;
}

const notesFor =
  (hunks: readonly Hunk[]) =>
  ({ reports }: { reports: readonly { pass: string }[] }): string[] =>
    reports.flatMap(({ pass }, index) => {
      const which = hunks.length === 1 ? "It" : `Change ${index + 1}`;
      return pass === "exact" ? [] : [`${which} matched only when differences in ${pass} were overlooked.`];
    });

/** All of them or none: what was applied before a failure is taken back. */
async function applyAll(plans: readonly PlannedChange[]): Promise<ToolResult> {
  for (const plan of plans) await plan.check();
  const done: Awaited<ReturnType<PlannedChange["apply"]>>[] = [];
  try {
    for (const plan of plans) done.push(await plan.apply());
  } catch (error) {
    const kept: string[] = [];
    for (const { undo, result } of done.toReversed())
      await undo().catch(() => void kept.push(result.view.path));
    if (kept.length === 0) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ToolFailure(
      `The patch failed half way: ${why} These could not be restored: ${kept.join(", ")}.`,
    );
  }
  return resultOf(done.map(({ result }) => result));
}

function resultOf(results: readonly ChangeResult[]): ToolResult {
  const [first] = results;
  if (first === undefined || results.length === 1) return first ?? { text: "Nothing was changed." };
  const views = results.map(({ view }) => view);
  const sum = (of: "additions" | "deletions") => views.reduce((all, view) => all + view[of], 0);
  const whole = {
    unified: views.map(({ path, unified }) => namedDiff(path, unified)).join("\n"),
    additions: sum("additions"),
    deletions: sum("deletions"),
  };
  const text = results.map((result) => result.text).join("\n\n");
  return {
    text:
      text.length > TEXT_CHARS_MAX ? results.map((result) => result.text.split("\n", 1)[0]).join("\n") : text,
    view: {
      kind: "diff",
      path: first.view.path,
      more_paths: views.slice(1).map(({ path }) => path),
      files: views.flatMap(({ files = [] }) => files),
      ...shortDiff(whole, VIEW_CHARS_MAX),
    },
  };
}
