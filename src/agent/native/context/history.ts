import { createTimeSlice, type TimeSlice } from "../../../async/time-slice.ts";
import type { Message } from "../../../protocol/message.ts";
import { hearthNote } from "../../hearth-note.ts";
import type { EarlyEnd } from "../../run/early-end.ts";
import { PRUNED_CHARS_MIN } from "../compacting/room.ts";
import type { PromptMessage } from "../models/model.ts";
import {
  type AssistantMessage,
  callIdOf,
  type HistoryReader,
  joinTexts,
  type Piece,
  type ToolMessage,
  toModelMessage,
  type UserContent,
} from "./model-message.ts";
import { createOwnIds, type OwnIds } from "./own-ids.ts";
import type { Phrases } from "./phrases.ts";

/** hearth's notes to the model before and after messages. They stay unchanged once sent. */
export type Notes = ReadonlyMap<string, { before?: string | undefined; after?: string | undefined }>;

/** What is left out of a conversation that had become too long. */
export type Cut = {
  /** What stands for the messages that are left out before the given ones. */
  head?: string | undefined;
  /** Long outputs of tools are left out of messages with a lower seq. */
  prunedBefore?: number;
};

/** Builds the conversation: roles alternate, and every user message stays as it was sent. */
function createAssembly(opening: string, { traits, phrases }: HistoryReader, memo: Memo) {
  const out: PromptMessage[] = [];
  const ids = createOwnIds((id, n) => callIdOf(id, n, traits.callIds));
  let isOpened = opening === "";
  /** How the previous run ended early; told with the next prompt. */
  let ended: EarlyEnd | undefined;

  const answerShortly = (text: string) =>
    void out.push({ role: "assistant", content: [{ type: "text", text }] });

  function pushUser(content: UserContent) {
    const opened = isOpened ? content : [{ type: "text" as const, text: opening }, ...content];
    isOpened = true;
    const last = out.at(-1);
    if (last?.role === "user")
      out[out.length - 1] = { role: "user", content: joinTexts([...last.content, ...opened]) };
    else out.push({ role: "user", content: opened === content ? content : joinTexts(opened) });
  }
  const pushText = (text: string) => pushUser([{ type: "text", text }]);

  /** Tells how the previous run ended. Returns what to put in front of the next message. */
  function tellEnd(): UserContent {
    const how = ended;
    ended = undefined;
    if (how === undefined) return [];
    if (out.at(-1)?.role === "assistant") return [{ type: "text", text: hearthNote(phrases.ends[how].cut) }];
    // Without an answer between them, two requests would read as one.
    if (out.length > 0) answerShortly(hearthNote(phrases.ends[how].unanswered));
    return [];
  }

  return {
    out,
    /** What stands for the messages before the first. */
    head: (text: string) => pushText(text),
    /** A message from a person or another agent. */
    user(content: UserContent, before: string | undefined) {
      const said = before === undefined ? content : [{ type: "text" as const, text: before }, ...content];
      if (said.length === 0) return;
      const first = tellEnd();
      if (out.at(-1)?.role === "tool" && !traits.userAfterTool) answerShortly(hearthNote(phrases.meanwhile));
      pushUser(first.length === 0 && before === undefined ? content : joinTexts([...first, ...said]));
    },
    ends(how: EarlyEnd | undefined) {
      ended = how ?? ended;
    },
    /** An empty answer. If the run had answered before, it was asked to go on. */
    saidNothing(hasAnswered: boolean) {
      if (hasAnswered && out.at(-1)?.role === "assistant") pushText(hearthNote(phrases.goOn));
    },
    answer(message: AssistantMessage, results: ToolMessage | undefined, media: UserContent) {
      ended = undefined; // the same run went on
      if (out.length === 0) pushText(hearthNote(phrases.noBeginning));
      else if (out.at(-1)?.role === "assistant") pushText(hearthNote(phrases.goOn));
      const own = results === undefined ? { message, results } : withOwnIds({ message, results }, ids, memo);
      out.push(own.message);
      if (own.results !== undefined) out.push(own.results);
      if (media.length === 0) return;
      if (!traits.userAfterTool) answerShortly(hearthNote(phrases.imageFollows));
      pushUser([{ type: "text", text: hearthNote(phrases.imageFollows) }, ...media]);
    },
    /**
     * A note of hearth's without a prompt after it. `isAnswered`: the message before it was sent already and must not
     * change.
     */
    note(text: string, isAnswered: boolean) {
      const last = out.at(-1);
      if (isAnswered && last !== undefined && last.role !== "assistant")
        answerShortly(hearthNote(phrases.emptyAnswer));
      const end = out.at(-1);
      if (end?.role === "tool" && !traits.userAfterTool) out[out.length - 1] = memo.withNote(end, text);
      else pushText(text);
    },
    finish(): PromptMessage[] {
      if (out.length === 0) pushText(hearthNote(phrases.noBeginning));
      else if (out.at(-1)?.role === "assistant") pushText(hearthNote(phrases.goOn));
      return out;
    },
  };
}

type AssistantPart = AssistantMessage["content"][number];
/** Not one that the provider ran: the provider knows that by its own id. */
const isOwnCall = (part: AssistantPart): part is Extract<AssistantPart, { type: "tool-call" }> =>
  part.type === "tool-call" && part.providerExecuted !== true;

/** Gives every call a unique id: some servers count from zero in every answer. */
function withOwnIds(answer: Answered, ids: OwnIds, memo: Memo): Answered {
  const asked: string[] = [];
  for (const part of answer.message.content) if (isOwnCall(part)) asked.push(part.toolCallId);
  const own = asked.map((id) => ids.give(id));
  return own.every((id, at) => id === asked[at]) ? answer : memo.withIds(answer, own);
}

type Answered = { message: AssistantMessage; results: ToolMessage };

/** `own`: the ids of the calls and their results, in order. */
function renamed({ message, results }: Answered, own: readonly string[]): Answered {
  let call = -1;
  const content = message.content.map((part) => {
    if (!isOwnCall(part)) return part;
    call += 1;
    return { ...part, toolCallId: own[call] ?? part.toolCallId };
  });
  const told = results.content.map((part, at) =>
    part.type === "tool-result" ? { ...part, toolCallId: own[at] ?? part.toolCallId } : part,
  );
  return { message: { ...message, content }, results: { ...results, content: told } };
}

function withoutOutputs(message: ToolMessage, phrases: Phrases): ToolMessage {
  const value = hearthNote(phrases.outputLeftOut);
  const content = message.content.map((part) => {
    if (part.type !== "tool-result") return part;
    const { output } = part;
    if (output.type === "content") return { ...part, output: { type: "text" as const, value } };
    if (output.type !== "text" && output.type !== "error-text") return part;
    return output.value.length < PRUNED_CHARS_MIN ? part : { ...part, output: { ...output, value } };
  });
  return { ...message, content };
}

/** The same change returns the same object, so that caches keyed by it still apply. */
function createMemo() {
  const noted = new WeakMap<ToolMessage, { text: string; made: ToolMessage }>();
  const pruned = new WeakMap<ToolMessage, ToolMessage>();
  const named = new WeakMap<AssistantMessage, { own: readonly string[]; made: Answered }>();
  return {
    withIds(answer: Answered, own: readonly string[]): Answered {
      const known = named.get(answer.message);
      if (known !== undefined && own.every((id, at) => id === known.own[at])) return known.made;
      const made = renamed(answer, own);
      named.set(answer.message, { own, made });
      return made;
    },
    pruned(message: ToolMessage, phrases: Phrases): ToolMessage {
      const known = pruned.get(message);
      if (known !== undefined) return known;
      const made = withoutOutputs(message, phrases);
      pruned.set(message, made);
      return made;
    },
    withNote(message: ToolMessage, text: string): ToolMessage {
      const known = noted.get(message);
      if (known?.text === text) return known.made;
      const last = message.content.findLastIndex((part) => part.type === "tool-result");
      const content = message.content.map((part, at) => {
        if (at !== last || part.type !== "tool-result") return part;
        const { output } = part;
        if (output.type === "content") {
          const value = [...output.value, { type: "text" as const, text }];
          return { ...part, output: { ...output, value } };
        }
        if (output.type !== "text" && output.type !== "error-text") return part;
        return { ...part, output: { ...output, value: `${output.value}\n\n${text}` } };
      });
      const made: ToolMessage = { ...message, content };
      noted.set(message, { text, made });
      return made;
    },
  };
}
type Memo = ReturnType<typeof createMemo>;

/**
 * Converts transcripts to prompts. Whatever happened to a session, the result is valid for every provider: it begins
 * and ends with a user's or tools' turn, turns alternate, no text is empty, and every call has exactly one result right
 * after it (G16). Requests that were given up are marked as such (G17). A message is converted once; the result is kept
 * as long as the message.
 */
export function createHistory(reader: HistoryReader, newSlice: () => TimeSlice = createTimeSlice) {
  const pieces = new WeakMap<Message, Piece>();
  const memo = createMemo();

  async function convert(message: Message, signal: AbortSignal): Promise<Piece> {
    const piece = await toModelMessage(message, reader, signal);
    pieces.set(message, piece);
    return piece;
  }

  /** `opening` goes before the first user message: the environment and the project's instructions. */
  return async (
    messages: readonly Message[],
    opening: string,
    notes: Notes,
    signal: AbortSignal,
    { head, prunedBefore = 0 }: Cut = {},
  ): Promise<PromptMessage[]> => {
    const assembly = createAssembly(opening, reader, memo);
    if (head !== undefined) assembly.head(head);
    const slice = newSlice();
    let answeredRun: string | undefined;
    for (const message of messages) {
      await slice.rest(); // a long conversation is thousands of messages
      signal.throwIfAborted();
      const piece = pieces.get(message) ?? (await convert(message, signal));
      const note = notes.get(message.id);
      if (piece.role === "user") assembly.user(piece.content, note?.before);
      else if (piece.message !== undefined) {
        const { results } = piece;
        const isPruned = results !== undefined && message.seq < prunedBefore;
        if (isPruned) assembly.answer(piece.message, memo.pruned(results, reader.phrases), []);
        else assembly.answer(piece.message, results, piece.media);
        answeredRun = message.run_id;
      } else assembly.saidNothing(answeredRun === message.run_id);
      assembly.ends(piece.ended);
      if (note?.after !== undefined)
        assembly.note(note.after, piece.role === "assistant" && piece.message === undefined);
    }
    return assembly.finish();
  };
}
export type History = ReturnType<typeof createHistory>;
