import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { HearthError } from "../../protocol/errors.ts";
import { SHELL_AGENT } from "../../protocol/shell-agent.ts";
import { confirm } from "../ask-line.ts";
import { connectHere } from "../connect-here.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { formatTable } from "../output/format.ts";
import { printableJson, withoutEscapes } from "../output/printable.ts";
import { installArchive, type Plan, planOf, platformHere } from "./install.ts";
import { type Entry, entryOf, PUBLIC_REGISTRY, type Registry, readRegistry } from "./registry.ts";

/** What was added, and from where; the command itself stands in the user's configuration. */
const Added = z.object({
  version: z.string(),
  registry: z.string(),
  /** Of the archive that was downloaded. */
  sha256: z.string().optional(),
});
const AddedFile = z.record(z.string(), Added);
type AddedAgents = z.infer<typeof AddedFile>;

/** `hearth agents search|add|remove|update`: agents of the public registry, at exactly one version each. */
export async function agentRegistry(parsed: Parsed, context: Context): Promise<ExitCode> {
  const name = parsed.positionals[0] ?? "";
  switch (parsed.command.path[1]) {
    case "search":
      return search(parsed, context);
    case "remove":
      return remove(name, context);
    case "update":
      return update(name, parsed, context);
    default:
      return add(name, parsed, context);
  }
}

const shown = (text: string): string => withoutEscapes(text).replaceAll("\n", " ");

async function open({ options }: Parsed, context: Context): Promise<Registry> {
  const { loadConfig } = await import("../../server/config/load.ts");
  const { config } = loadConfig({ paths: context.paths, root: null });
  const said = options["registry"];
  const registry = await readRegistry(
    typeof said === "string" ? said : (config.registry ?? PUBLIC_REGISTRY),
    context.env,
  );
  if (registry.notice !== null) await context.err.line(`hearth: ${registry.notice}`);
  return registry;
}

async function search(parsed: Parsed, context: Context): Promise<ExitCode> {
  const { entries } = await open(parsed, context);
  const wanted = parsed.positionals.map((word) => word.toLowerCase());
  const found = entries.filter(({ id, name, description }) => {
    const text = `${id} ${name} ${description}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  if (parsed.options["json"] === true) await context.out.json(found, 2);
  else if (found.length === 0) await context.out.line("No agent of the registry fits.");
  else
    await context.out.write(
      formatTable([
        ["AGENT", "VERSION", "ABOUT"],
        ...found.map(({ id, version, name, description }) => [id, version, shown(`${name}: ${description}`)]),
      ]),
    );
  return exitCodes.done;
}

async function add(id: string, parsed: Parsed, context: Context): Promise<ExitCode> {
  const registry = await open(parsed, context);
  const entry = entryOf(registry, id);
  await mustBeFree(id, registry.from, context);
  return install(entry, registry, `Adds ${entry.id} ${entry.version}`, parsed, context);
}

/**
 * An agent that the user has configured is never replaced, and one that hearth knows only by the public registry's entry
 * of that name. Throws UsageError.
 */
async function mustBeFree(id: string, from: string, context: Context): Promise<void> {
  if (Object.hasOwn(await readAdded(context), id)) return;
  const { loadConfig } = await import("../../server/config/load.ts");
  const { config } = loadConfig({ paths: context.paths, root: null });
  const known = await connectHere(context, async ({ request, workspace }) => {
    const { agents } = await request("GET /v1/workspaces/{wid}/agent", { params: { wid: workspace.id } });
    return agents.find(({ name }) => name === id);
  });
  const isPublic = from === PUBLIC_REGISTRY || !from.startsWith("http");
  const isTaken = config.agents?.[id] !== undefined || (known !== undefined && !isPublic);
  if (isTaken || id === SHELL_AGENT || (known !== undefined && known.backend !== "acp"))
    throw new UsageError(
      `There is an agent ${id} already, which is not from this registry: nothing was added.`,
    );
}

async function update(id: string, parsed: Parsed, context: Context): Promise<ExitCode> {
  const added = await readAdded(context);
  const names = id === "" ? Object.keys(added) : [id];
  for (const name of names) {
    const known = added[name];
    if (known === undefined) throw new UsageError(`${name} was not added from a registry.`);
    const registry = await open(
      { ...parsed, options: { registry: known.registry, ...parsed.options } },
      context,
    );
    // The copy that ships with hearth is older than what was added.
    if (registry.notice !== null)
      throw new UsageError("Nothing was updated: the registry cannot be reached.");
    const entry = entryOf(registry, name);
    if (entry.version === known.version) await context.out.line(`${name} ${known.version} is the newest.`);
    else
      await install(
        entry,
        registry,
        `Updates ${name} from ${known.version} to ${entry.version}`,
        parsed,
        context,
      );
  }
  if (names.length === 0) await context.out.line("No agent was added from a registry.");
  return exitCodes.done;
}

async function install(
  entry: Entry,
  { from }: Registry,
  title: string,
  parsed: Parsed,
  context: Context,
): Promise<ExitCode> {
  const { paths, out } = context;
  const plan = planOf(entry, platformHere());
  await ask(title, entry, from, plan, parsed, context);
  const folder = join(paths.dataDir, "agents", entry.id, entry.version);
  const installed =
    plan.archive === undefined ? undefined : await installArchive(plan.archive, folder, context.env);
  const command = installed === undefined ? plan.command : [installed.program, ...plan.command.slice(1)];
  const { editConfig } = await import("../../server/config/edit.ts");
  const { loadConfig } = await import("../../server/config/load.ts");
  // What the user has set beside the command stays.
  const before = loadConfig({ paths, root: null }).config.agents?.[entry.id];
  const env = { ...before?.env, ...plan.env };
  await editConfig(paths.configFile, ["agents", entry.id], {
    ...before,
    ...{ backend: "acp", command },
    ...(Object.keys(env).length > 0 && { env }),
  });
  const registry = from.startsWith("http") ? from : PUBLIC_REGISTRY;
  const own = { version: entry.version, registry, ...(installed && { sha256: installed.sha256 }) };
  await writeAdded(context, { ...(await readAdded(context)), [entry.id]: own });
  await out.line(
    `Added ${entry.id} ${entry.version} to ${paths.configFile}; \`hearth agents probe ${entry.id}\` tries it.`,
  );
  return exitCodes.done;
}

/** Shows what would run, as it is, and asks. Throws UsageError where nobody can answer, or the answer is no. */
async function ask(
  title: string,
  entry: Entry,
  from: string,
  plan: Plan,
  { options }: Parsed,
  { err }: Context,
): Promise<void> {
  const lines = [
    `${title}: ${shown(entry.name)}, ${shown(entry.description)}`,
    `  from  ${from}`,
    ...(plan.archive === undefined
      ? []
      : [
          `  loads ${plan.archive.url}${plan.archive.sha256 === undefined ? " (the registry gives no hash)" : ""}`,
        ]),
    `  runs  ${printableJson(plan.command)}`,
    ...Object.entries(plan.env).map(([name, value]) => `  with  ${name}=${printableJson(value)}`),
  ];
  await err.write(`${lines.join("\n")}\n`);
  if (options["yes"] === true) return;
  if (!process.stdin.isTTY || !err.isTerminal())
    throw new UsageError("Nothing was added: nobody is here to agree. Add --yes if that is what should run.");
  if (!(await confirm("Add it?"))) throw new UsageError("Nothing was added.");
}

async function remove(name: string, context: Context): Promise<ExitCode> {
  const added = await readAdded(context);
  const { [name]: _, ...rest } = added;
  const known = Object.hasOwn(added, name) ? added[name] : undefined;
  if (known === undefined)
    throw new UsageError(`${name} was not added from a registry: your configuration has it, if any.`);
  const { editConfig } = await import("../../server/config/edit.ts");
  await editConfig(context.paths.configFile, ["agents", name], undefined);
  await writeAdded(context, rest);
  await rm(join(context.paths.dataDir, "agents", name), { recursive: true, force: true });
  await context.out.line(`Removed ${name}.`);
  return exitCodes.done;
}

const fileOf = ({ paths }: Context): string => join(paths.dataDir, "agents.json");

export async function readAdded(context: Context): Promise<AddedAgents> {
  let text: string;
  try {
    text = await readFile(fileOf(context), "utf8");
  } catch {
    return {}; // nothing was added yet
  }
  try {
    return AddedFile.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${fileOf(context)} is broken: remove it, and add your agents again.`;
    throw new HearthError("config_invalid", message, { cause });
  }
}

async function writeAdded(context: Context, added: AddedAgents): Promise<void> {
  const { writePrivateFile } = await import("../../server/private-file.ts");
  await writePrivateFile(fileOf(context), `${JSON.stringify(added, null, 2)}\n`);
}
