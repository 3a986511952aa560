import type { Connection } from "../../client/connect.ts";
import { randomHex } from "../../client/random.ts";
import type { TaskId } from "../../protocol/ids.ts";
import { builtinEngines, kubernetesManifest, launcherOf, runScript } from "../../protocol/launcher.ts";
import type { TaskBody } from "../../protocol/routes/tasks.ts";
import type { Task } from "../../protocol/task.ts";
import { connectHere } from "../connect-here.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { formatTable } from "../output/format.ts";
import { textOf } from "../run/options.ts";
import { readPrompt } from "../run/read-prompt.ts";
import { readTaskOptions, type TaskOptions } from "./options.ts";
import { answerOf, discard, withResults } from "./results.ts";
import { readPrompts, type Started, withTasks } from "./start.ts";
import { boardOf, entryLine, exitCodeOfTask, judgementLines, taskRow } from "./text.ts";

const LIMIT_DEFAULT = 50;

/** `hearth task run|list|show|cancel`: prompts without a session of a person's. */
export async function task(parsed: Parsed, context: Context): Promise<number> {
  const verb = parsed.command.path[1];
  if (verb === "run") return run(parsed, context);
  return connectHere(context, (connection) => {
    if (verb === "list") return list(parsed, context, connection);
    return verb === "show" ? show(parsed, context, connection) : cancel(parsed, context, connection);
  });
}

async function run(parsed: Parsed, context: Context): Promise<ExitCode> {
  const options = readTaskOptions(parsed);
  const each = textOf(parsed.options["each"]);
  if (each !== undefined && parsed.positionals.length > 0)
    throw new UsageError("Give a prompt or --each, not both.");
  const prompts = each === undefined ? [await readPrompt(parsed.positionals)] : await readPrompts(each);
  const agent = textOf(parsed.options["agent"]);
  const isDetached = parsed.options["detach"] === true;
  const isDiscarded = parsed.options["discard"] === true;
  if (isDetached && isDiscarded)
    throw new UsageError("--discard needs the end of the task, and --detach does not wait for it.");
  if (parsed.options["dry-run"] === true) return dryRun(parsed, context, options);
  const group = prompts.length === 1 ? {} : { group: `each_${randomHex(8)}` };
  const bodies = prompts.map((prompt) => ({
    ...group,
    prompt,
    ...(agent !== undefined && { agents: [agent] }),
  }));
  if (isDetached) return detach(context, options, bodies);
  return withTasks(context, options, async (started) => {
    const codes: Promise<ExitCode>[] = [];
    // One after the other, so that they begin in the order of the file.
    for (const body of bodies) {
      const { ended } = await started.begin(body);
      const told = async () => {
        const end = await ended;
        await print(end, { isAlone: bodies.length === 1, isDiscarded }, options, context, started);
        if (isDiscarded) await discard(started.connection, end.entries);
        return exitCodeOfTask(end);
      };
      const code = told();
      code.catch(() => {}); // it is awaited once all have begun
      codes.push(code);
    }
    const all = await Promise.all(codes);
    return all.find((code) => code !== exitCodes.done) ?? exitCodes.done;
  });
}

/** Prints what would be handed to the engine, and starts nothing. */
async function dryRun(
  { options }: Parsed,
  context: Context,
  { body, isJson }: TaskOptions,
): Promise<ExitCode> {
  const { on } = body;
  if (on === undefined) throw new UsageError("--dry-run shows what would be handed to an engine: say --on.");
  const { engines } = await connectHere(context, ({ request, workspace }) =>
    request("GET /v1/workspaces/{wid}/engines", { params: { wid: workspace.id } }),
  );
  const launcher = launcherOf(on, engines);
  if (launcher === undefined) {
    const known = [...Object.keys(engines), ...builtinEngines].join(", ");
    throw new UsageError(`There is no engine "${on}"; there are ${known}.`);
  }
  const chosen = textOf(options["agent"]) ?? context.env["HEARTH_AGENT"] ?? "hearth";
  const [agent = chosen, model = null] = chosen.split(/@(.*)/s);
  const script = runScript({ agent, model, maxSteps: body.max_steps ?? null });
  if (isJson) await context.out.json({ engine: on, ...launcher, script }, 2);
  else if (on === "kubernetes" && engines[on] === undefined)
    await context.out.write(kubernetesManifest("hearth-task", context.env["HEARTH_IMAGE"]));
  else await context.out.write(`# submit:\n${launcher.submit}\n\n# $HEARTH_TASK_DIR/run.sh:\n${script}`);
  return exitCodes.done;
}

async function print(
  end: Task,
  { isAlone, isDiscarded }: { isAlone: boolean; isDiscarded: boolean },
  { isJson }: TaskOptions,
  { out, err }: Context,
  { connection }: Started,
): Promise<void> {
  if (isJson) return out.json(await withResults(connection, end));
  const [entry] = end.entries;
  if (entry === undefined) return;
  if (!isAlone) return out.line(`${end.id}  ${entryLine(entry)}  ${end.prompt.slice(0, 60)}`);
  const text = await answerOf(connection, entry);
  if (text !== "") await out.exact(text.endsWith("\n") ? text : `${text}\n`);
  await err.line(`hearth: ${entryLine(entry).replace(/\.$/, "")}.`);
  if (entry.check !== undefined && entry.check.outcome !== "passed")
    await err.write(`${entry.check.output.trimEnd()}\n`);
  if (end.isolation === "worktree" && entry.files > 0 && !isDiscarded)
    await err.line(`hearth: Its changes wait: hearth changes apply --all --session ${entry.session_id}`);
}

async function detach(
  context: Context,
  { body: shared, isJson }: TaskOptions,
  bodies: readonly Pick<TaskBody, "prompt" | "agents" | "group">[],
): Promise<ExitCode> {
  return connectHere(context, async (connection) => {
    for (const body of bodies) {
      const { task: made } = await connection.request("POST /v1/tasks", {
        body: { ...shared, ...body, path: context.cwd() },
      });
      await (isJson ? context.out.json(made) : context.out.line(made.id));
    }
    return exitCodes.done;
  });
}

async function list({ options }: Parsed, { out }: Context, connection: Connection): Promise<ExitCode> {
  const limit = options["limit"] === undefined ? LIMIT_DEFAULT : Number(options["limit"]);
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000))
    throw new UsageError("--limit takes a whole number from 1 to 1000.");
  const here = options["all"] === true ? {} : { workspace_id: connection.workspace.id };
  const { tasks } = await connection.request("GET /v1/tasks", { query: { ...here, limit } });
  if (options["json"] === true) await out.json(tasks, 2);
  else if (tasks.length === 0) await out.line(`There are no tasks in ${connection.workspace.path}.`);
  else await out.write(formatTable([["ID", "STATE", "AGE", "AGENTS", "PROMPT"], ...tasks.map(taskRow)]));
  return exitCodes.done;
}

/** The task with this id or the beginning of it. Throws UsageError. */
async function findTask({ request }: Connection, wanted: string): Promise<Task> {
  const prefix = wanted.startsWith("tsk_") ? wanted : `tsk_${wanted}`;
  if (/^tsk_[A-Za-z0-9_-]{22,64}$/.test(prefix))
    return (await request("GET /v1/tasks/{tid}", { params: { tid: prefix as TaskId } })).task;
  const { tasks } = await request("GET /v1/tasks", { query: { limit: 1000 } });
  const [first, second] = tasks.filter(({ id }) => id.startsWith(prefix));
  if (second !== undefined) throw new UsageError(`Several tasks begin with ${wanted}: give more of the id.`);
  if (first !== undefined) return first;
  throw new UsageError(`There is no task ${wanted}: \`hearth task list\` shows what there is.`);
}

async function show(parsed: Parsed, { out }: Context, connection: Connection): Promise<ExitCode> {
  const found = await findTask(connection, parsed.positionals[0] ?? "");
  if (parsed.options["json"] === true) await out.json(await withResults(connection, found), 2);
  else {
    await out.line(`${found.id}  ${found.state}`);
    await out.line(found.prompt);
    await out.write(`\n${boardOf(found)}`);
    for (const line of judgementLines(found)) await out.line(line);
  }
  return exitCodes.done;
}

async function cancel(parsed: Parsed, { out }: Context, connection: Connection): Promise<ExitCode> {
  const { id: tid } = await findTask(connection, parsed.positionals[0] ?? "");
  const { task: now } = await connection.request("POST /v1/tasks/{tid}/cancel", { params: { tid } });
  if (parsed.options["json"] === true) await out.json(now);
  else await out.line(now.state === "completed" ? `${tid} has ended.` : `${tid} is being canceled.`);
  return exitCodes.done;
}
