import { orAborted } from "../../../async/wait.ts";
import type { Message } from "../../../protocol/message.ts";
import type { RequestParts } from "../../../protocol/request.ts";
import type { SessionContext, Turn } from "../../backend.ts";
import type { FolderGate, Reach } from "../../files/folder-gate.ts";
import { hearthNote, textInside } from "../../hearth-note.ts";
import type { WorkerPool } from "../../worker/pool.ts";
import { tokensOf } from "../compacting/sizes.ts";
import { createFittingImages } from "../images/fitting.ts";
import { createMediaRefusals, limitsOf } from "../media-refusals.ts";
import type { ModelFailure } from "../models/errors/failure.ts";
import type { Model, ModelRequest } from "../models/model.ts";
import { partsOf } from "../requests/parts.ts";
import { readersOf, type ToolSet } from "../tool-set.ts";
import { createAsSent } from "./as-sent.ts";
import { createFileLoader, readImage } from "./attachments.ts";
import { type ConversationCut, cutOf, sentOf } from "./cut.ts";
import { commandShell, environmentBlock, modeText } from "./environment-block.ts";
import type { GitReader } from "./git-state.ts";
import { createHistory, type History } from "./history.ts";
import { createInstructions, quoteInstructions } from "./instructions.ts";
import { systemPrompt } from "./prompt.ts";
import { readStoredConversation, type StoredConversation } from "./stored-conversation.ts";

type ConversationDeps = {
  session: SessionContext;
  tools: ToolSet;
  git: GitReader;
  folders: FolderGate;
  /** The user's instructions for all projects; undefined if there are none. */
  userInstructions: () => Promise<string | undefined>;
  workers: WorkerPool;
  now(): number;
};

/** What the extensions of a session add to a turn. */
export type TurnExtras = {
  /** For the beginning of the conversation. */
  opening: readonly string[];
  /** For the environment block: where commands run. */
  sandbox?: string | undefined;
  /** hearth's note after the prompt. */
  note?: string | undefined;
  /** For the person, one sentence each: what is left out. */
  problems: readonly string[];
};

const dayOf = (ms: number): string => {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
};

/**
 * What one session sends its models besides the transcript: the environment at the start, project instructions, and
 * notes between messages. Once sent, all of it keeps its place and text, also after a restart, so that each request
 * begins with the previous one.
 */
export function createModelContext(deps: ConversationDeps) {
  const { session, tools, git, folders, userInstructions, now } = deps;
  const reach: Reach = (work, signal) => folders.enter(session.root, work, signal);
  const kept = readStoredConversation(session);
  let instructions = createInstructions(session.root, reach, kept?.folders ?? []);
  const histories = new Map<string, History>();
  const notes = new Map<string, { before?: string | undefined; after?: string | undefined }>(
    kept?.notes ?? [],
  );
  const toolNames = new Set(tools.names);
  const media = createMediaRefusals(kept?.left_out ?? []);
  const images = createFittingImages(
    (part, signal) => reach(() => readImage(part, session.root), signal),
    deps.workers,
  );
  const gathering = new AbortController();
  let told = kept?.told ?? { mode: session.mode, day: dayOf(now()) };
  let opening = kept?.opening;
  /** The day and mode that the opening tells. */
  let first = kept?.first ?? told;
  let cut = cutOf([]);
  let isKept = true;
  const asSent = createAsSent(kept, () => {
    isKept = false;
  });
  const gitState =
    opening === undefined
      ? git.begin(session, `${session.session_id}-environment`, gathering.signal)
      : undefined;

  async function open(turn: Turn, signal: AbortSignal, extras: TurnExtras | undefined): Promise<string> {
    told = { mode: turn.mode, day: dayOf(now()) };
    first = told;
    const environment = environmentBlock({
      root: session.root,
      shell: await orAborted(commandShell(turn.env, folders), signal),
      loginShell: turn.env["SHELL"],
      mode: turn.mode,
      sandbox: extras?.sandbox,
      date: told.day,
      git: await gitState?.(),
    });
    const own = await userInstructions();
    const user =
      own === undefined
        ? []
        : [`<user_instructions>\n${textInside("user_instructions", own)}\n</user_instructions>`];
    const project = quoteInstructions(await instructions.initial(signal));
    return [environment, ...user, ...(project === "" ? [] : [project]), ...(extras?.opening ?? [])].join(
      "\n\n",
    );
  }

  /** Stores what is about to be sent, before it is sent. */
  function keep() {
    if (opening === undefined) return;
    const state: StoredConversation = {
      ...{ version: 1, root: session.root, opening, told, first, notes: [...notes] },
      ...{ folders: instructions.folders(), left_out: media.leftOut(), ...asSent.stored() },
    };
    isKept = session.kept?.write(JSON.stringify(state)) ?? true;
  }

  function note(id: string, place: "before" | "after", text: string) {
    const known = notes.get(id);
    const said = known?.[place];
    const noted = hearthNote(text);
    notes.set(id, { ...known, [place]: said === undefined ? noted : `${said}\n\n${noted}` });
  }

  return {
    /** Nothing has been sent in it yet. */
    isNew: (): boolean => opening === undefined,
    /** Call it once at the start of each turn: creates the opening, or notes what has changed since the last turn. */
    async begin(
      turn: Turn,
      transcript: readonly Message[],
      signal: AbortSignal,
      extras?: TurnExtras,
    ): Promise<void> {
      cut = cutOf(transcript);
      const prompt = transcript.find((message) => message.run_id === turn.run_id && message.role === "user");
      const isFirst = opening === undefined;
      opening ??= await open(turn, signal, extras);
      if (prompt !== undefined && extras?.note !== undefined) note(prompt.id, "after", extras.note);
      if (prompt !== undefined && turn.handover !== null) note(prompt.id, "before", turn.handover);
      if (isFirst || extras?.note !== undefined || turn.handover !== null) keep();
      if (isFirst) return;
      const day = dayOf(now());
      if (prompt !== undefined && turn.mode !== told.mode)
        note(prompt.id, "before", `The permission mode is now: ${modeText[turn.mode]}`);
      if (prompt !== undefined && day !== told.day) note(prompt.id, "before", `The date is now ${day}.`);
      if (turn.mode === told.mode && day === told.day) return;
      told = { mode: turn.mode, day };
      keep();
    },
    async request(transcript: readonly Message[], model: Model, signal: AbortSignal): Promise<ModelRequest> {
      const sent = sentOf(transcript, cut);
      if (media.takenBy(model).images) await images.prepare(sent, limitsOf(model), signal);
      // What a search found goes back as itself only where it can be searched again.
      const reader = `${model.id} ${model.traits.search}`;
      let history = histories.get(reader);
      if (history === undefined) {
        const load = createFileLoader(session.root, {
          ...media.takenBy(model),
          fitting: (part) => images.of(part, limitsOf(model)),
        });
        history = createHistory({
          agent: session.agent,
          model: model.id,
          accepts: (name, input) => tools.get(name)?.input.safeParse(input).success ?? false,
          traits: model.traits,
          phrases: asSent.phrases,
          loadFile: (part, signal) => asSent.file(part, () => reach(() => load(part), signal)),
        });
        histories.set(reader, history);
      }
      const request = {
        system: asSent.system(model.family, () => systemPrompt(model.family, toolNames)),
        tools: asSent.tools(tools.forModel, readersOf(model.family)),
        messages: await history(sent, opening ?? "", notes, signal, cut),
        conversation: session.session_id,
      };
      if (!isKept) keep();
      return request;
    },
    /**
     * Records that a request was refused because of an image or a PDF. Returns whether to ask again: the attachment is
     * then only named, so that it cannot end a session.
     */
    recordMediaRefusal(transcript: readonly Message[], model: Model, failure: ModelFailure): boolean {
      if (!media.record(transcript, model, failure)) return false;
      histories.delete(`${model.id} ${model.traits.search}`);
      keep();
      return true;
    },
    /** What is left out of its requests. */
    cut: (): ConversationCut => cut,
    /** Something more is left out from now on. */
    changed(next: ConversationCut) {
      if (next.fromSeq > cut.fromSeq) instructions = instructions.again();
      cut = next;
      keep();
    },
    /** What a model must know that the opening tells otherwise, one sentence each. */
    facts: (): string[] => [
      ...(told.mode === first.mode ? [] : [`The permission mode is now: ${modeText[told.mode]}`]),
      ...(told.day === first.day ? [] : [`The date is now ${told.day}.`]),
    ],
    /** Tokens of what every request has besides the messages. */
    fixedTokens(model: Model): number {
      const tools = JSON.stringify(asSent.tools(deps.tools.forModel, readersOf(model.family))).length;
      const system = asSent.system(model.family, () => systemPrompt(model.family, toolNames)).length;
      return tokensOf(tools + system + (opening?.length ?? 0) + (cut.head?.length ?? 0));
    },
    /** What a request of this conversation consists of. */
    partsOf: (request: ModelRequest): RequestParts =>
      partsOf(request, opening?.length ?? 0, cut.head?.length ?? 0),
    /** Adds a note after the transcript's last message. */
    noteAfter(transcript: readonly Message[], text: string) {
      const last = transcript.at(-1);
      if (last === undefined) return;
      note(last.id, "after", text);
      keep();
    },
    /** Instructions of folders that are touched for the first time, to be sent with `noteAfter`. */
    async instructionsFor(path: string, signal: AbortSignal): Promise<string | undefined> {
      const found = await instructions.forPath(path, signal);
      return found.length === 0 ? undefined : quoteInstructions(found);
    },
    close() {
      gathering.abort();
    },
  };
}
export type Conversation = ReturnType<typeof createModelContext>;
