import { resolve } from "node:path";
import { HearthError } from "../protocol/errors.ts";
import type { HearthEvent } from "../protocol/events.ts";
import type { RunId } from "../protocol/ids.ts";
import type { SessionMcpServer } from "../protocol/mcp.ts";
import type { Message } from "../protocol/message.ts";
import type { Session } from "../protocol/session.ts";
import type { Snapshot } from "../protocol/snapshot.ts";
import { createAround } from "./around.ts";
import { commandIn, commandsOf, runCommand } from "./commands.ts";
import type { Editor } from "./editor.ts";
import type { Link, Links, Member } from "./links.ts";
import { createServerGiver } from "./mcp-servers.ts";
import { changeOf, optionsOf } from "./options.ts";
import { createOwnRuns } from "./own-runs.ts";
import { type PromptBlock, promptOf } from "./prompt.ts";
import { createQuestions } from "./questions.ts";
import { createTranscript } from "./transcript.ts";
import { unsavedTexts } from "./unsaved.ts";
import type { Option, TurnOutcome, Update } from "./update.ts";

/** The most that one page may have. */
const PAGE = 1000;

type SessionDeps = { links: Links; editor: Editor; signal: AbortSignal; log(text: string): void };

/** An accepted prompt: the message that it is, and the end of its turn. */
export type Accepted = { messageId: string; ended: Promise<TurnOutcome> };

/** One session that the editor has open. Events wait until `begin`, which follows the reply that names the session. */
export async function openSession(
  deps: SessionDeps,
  cwd: string,
  first: Link,
  opened: Session,
  { root, servers }: { root: string; servers: readonly SessionMcpServer[] },
) {
  const { links, editor, signal, log } = deps;
  const { id } = opened;
  let link = first;
  let session = opened;
  let leave = () => {};
  /** Set while nothing may be told yet. */
  let held: HearthEvent[] | undefined = [];
  let seq = 0;
  let snapshot: Snapshot | undefined;
  /** Events were missed while nothing could be told: the snapshot is out of date. */
  let isStale = false;
  const around = createAround(opened.title);
  const { isNews } = around;
  const active = new Set<RunId>();
  const transcript = createTranscript({ root, tellsOwn: editor.tellsOwn });
  const params = () => ({ wid: link.connection.workspace.id, sid: id });
  const own = createOwnRuns(() => ({ connection: link.connection, params: params() }));
  const mcp = createServerGiver(() => ({ connection: link.connection, params: params() }), servers);
  const questions = createQuestions({
    ...{ editor, sessionId: id, root, log },
    callOf: ({ session_id, tool_call_id }) => (session_id === id ? transcript.call(tool_call_id) : undefined),
    answer: (pid, body) => {
      const of = { wid: link.connection.workspace.id, pid };
      return link.connection.request("POST /v1/workspaces/{wid}/permissions/{pid}", { params: of, body });
    },
  });

  const tell = async (updates: readonly Update[]) => {
    for (const update of updates) await editor.update(id, update);
  };
  const options = (): Option[] => optionsOf(session, link.agents);

  const commands = () => commandsOf(link.agents.find(({ name }) => name === session.agent));

  const aroundUpdates = (): Update[] => around.updates(session, options(), commands());

  async function carryOut(event: HearthEvent): Promise<void> {
    switch (event.type) {
      case "message.created":
      case "message.updated": {
        const { message } = event.payload;
        return tell(transcript.message(message, active.has(message.run_id)));
      }
      case "part.delta":
        return tell(transcript.delta(event.payload));
      case "run.started": {
        const { run } = event.payload;
        active.add(run.id);
        return tell([...transcript.started(run.id), { kind: "state", state: "running" }]);
      }
      case "run.completed": {
        const end = event.payload;
        if (end.outcome === "steered") await tell(transcript.started(end.run_id));
        transcript.dropped(end.run_id);
        active.delete(end.run_id);
        await tell([{ kind: "idle", end }]);
        return own.ended(end.run_id, end);
      }
      case "permission.requested":
        await tell([{ kind: "state", state: "waiting" }]);
        return questions.ask(event.payload.permission);
      case "permission.resolved":
        questions.resolved(event.payload.permission.id);
        return questions.isEmpty && active.size > 0 ? tell([{ kind: "state", state: "running" }]) : undefined;
      case "plan.updated":
        isNews("plan", event.payload.plan.entries);
        return tell([{ kind: "plan", entries: event.payload.plan.entries }]);
      case "session.updated":
        session = event.payload.session;
        return tell(aroundUpdates());
      case "agent.updated":
        return tell(aroundUpdates());
      case "session.deleted":
        leave();
        return own.lost(new HearthError("session_not_found", "The session was deleted."));
      default:
        return;
    }
  }

  const member: Member = {
    async take(event) {
      if (held !== undefined) held.push(event);
      else if (event.seq > seq) await carryOut(event);
    },
    async resync() {
      if (held !== undefined) {
        isStale = true;
        return;
      }
      await mcp.giveAgain();
      await read();
      await catchUp();
    },
    lost: own.lost,
  };

  async function read(): Promise<Snapshot> {
    const query = { session_id: id, limit: PAGE };
    const { wid } = params();
    const taken = await link.connection.request("GET /v1/workspaces/{wid}/snapshot", {
      params: { wid },
      query,
      signal,
    });
    session = taken.sessions.find((found) => found.id === id) ?? session;
    seq = taken.seq;
    snapshot = taken;
    return taken;
  }

  /** Tells what the snapshot has and the editor does not know. */
  async function catchUp(): Promise<void> {
    if (snapshot === undefined) return;
    const { runs, messages, permissions, plans } = snapshot;
    const mine = runs.filter((run) => run.session_id === id);
    const waiting = new Set(mine.filter(({ state }) => state !== "active").map((run) => run.id));
    active.clear();
    for (const run of mine) if (run.state === "active") active.add(run.id);
    const news = messages.flatMap((message) => transcript.message(message, !waiting.has(message.run_id)));
    await tell(news);
    if (active.size > 0) await tell([{ kind: "state", state: "running" }]);
    const [plan] = plans;
    if (plan !== undefined && isNews("plan", plan.entries))
      await tell([{ kind: "plan", entries: plan.entries }]);
    await tell(aroundUpdates());
    const asked = permissions.filter((permission) => link.ownerOf(permission.session_id) === id);
    questions.keepOnly(new Set(asked.map((permission) => permission.id)));
    for (const permission of asked) questions.ask(permission);
    await own.reconcile(new Set(mine.map((run) => run.id)));
  }

  /** All messages before the snapshot's, oldest first. */
  async function earlier(): Promise<Message[]> {
    let pages: Message[] = [];
    let before: string | undefined =
      snapshot?.messages.length === PAGE ? snapshot.messages[0]?.id : undefined;
    while (before !== undefined) {
      const query = { before, limit: PAGE };
      const page = await link.connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/messages", {
        params: params(),
        query,
        signal,
      });
      pages = [...page.messages, ...pages];
      before = page.next_before ?? undefined;
    }
    return pages;
  }

  /** Finds the daemon again if the workspace was closed, or the daemon stopped on purpose. */
  async function ensure(): Promise<void> {
    const now = await links.of(cwd);
    if (now === link) return;
    leave();
    link = now;
    leave = now.join(id, member);
    await member.resync();
  }

  async function accept(blocks: readonly PromptBlock[]): Promise<Accepted> {
    await ensure();
    await mcp.giveAgain();
    link.shows(id);
    const { text, attachments } = promptOf(blocks, root);
    const command = commandIn(text);
    if (command !== undefined && attachments.length === 0) {
      const context = { connection: link.connection, params: params(), own };
      return runCommand(command, context, tell, (runId) => transcript.isOwn(runId));
    }
    return own.post(async (run_id) => {
      transcript.isOwn(run_id);
      const inEditor = (path: string) => editor.readText(id, path);
      attachments.push(...(await unsavedTexts(attachments, (path) => resolve(root, path), inEditor)));
      const body = { session_id: id, prompt: text, run_id, ...(attachments.length > 0 && { attachments }) };
      return link.connection.request("POST /v1/workspaces/{wid}/agent", {
        params: { wid: params().wid },
        body,
        signal,
      });
    });
  }

  leave = first.join(id, member);
  return {
    id,
    cwd,
    options,
    commands,
    giveServers: mcp.give,
    get session() {
      return session;
    },
    /** Tells the whole conversation so far. */
    async replay(): Promise<void> {
      await read();
      if (editor.hasCommands) isNews("commands", commands());
      isNews("options", options());
      for (const message of await earlier()) await tell(transcript.message(message, true));
      await catchUp();
    },
    /** Takes the conversation so far as told, except what is going on. */
    async skip(): Promise<void> {
      const { messages, runs } = await read();
      const unfinished = new Set(runs.map((run) => run.id));
      for (const message of messages) if (!unfinished.has(message.run_id)) transcript.message(message, true);
    },
    /** The reply that names the session is out: from here on everything is told as it happens. */
    async begin(): Promise<void> {
      isNews("options", options()); // the reply has them
      if (editor.hasCommands) isNews("commands", commands());
      await catchUp();
      while (held !== undefined) {
        if (isStale) {
          isStale = false;
          await read();
          await catchUp();
        }
        const events = held;
        held = events.length === 0 && !isStale ? undefined : [];
        for (const event of events) if (event.seq > seq) await carryOut(event);
      }
    },
    accept,
    async cancel(): Promise<void> {
      questions.canceling();
      await own.cancel();
    },
    async set(optionId: string, value: unknown): Promise<Option[]> {
      await ensure();
      const body = changeOf(optionId, value, session, link.agents);
      const changed = await link.connection.request("PATCH /v1/workspaces/{wid}/sessions/{sid}", {
        params: params(),
        body,
        signal,
      });
      session = changed.session;
      isNews("options", options());
      return options();
    },
    /** Its events are told no longer; who waits for its runs is told so. */
    leave(): void {
      leave();
      own.lost(
        new HearthError("interrupted", "The session was opened anew or deleted; its run is not told here."),
      );
      questions.keepOnly(new Set());
    },
    /** The editor has closed it: what it asked for is canceled, what others asked for goes on. */
    async close(): Promise<void> {
      questions.canceling();
      await own.withdraw();
      await mcp.takeBack();
      leave();
      questions.keepOnly(new Set());
    },
  };
}
export type OpenSession = Awaited<ReturnType<typeof openSession>>;
