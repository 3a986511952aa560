import { createHash } from "node:crypto";
import { endsOf, wellFormed } from "../../../protocol/cut-text.ts";
import type { FilePart, Message, ReasoningPart, TextPart, ToolCallPart } from "../../../protocol/message.ts";
import { SHELL_AGENT } from "../../../protocol/shell-agent.ts";
import { foreignText, hearthNote, outsideData, textInside } from "../../hearth-note.ts";
import { type EarlyEnd, earlyEndOf } from "../../run/early-end.ts";
import type { PromptMessage } from "../models/model.ts";
import { citedTexts, searchParts } from "../models/searches.ts";
import type { Traits } from "../models/traits.ts";
import type { LoadedFile } from "./attachments.ts";
import type { Phrases } from "./phrases.ts";

export type UserMessage = Extract<PromptMessage, { role: "user" }>;
export type AssistantMessage = Extract<PromptMessage, { role: "assistant" }>;
export type ToolMessage = Extract<PromptMessage, { role: "tool" }>;
type ToolResult = Extract<ToolMessage["content"][number], { type: "tool-result" }>;
export type UserContent = UserMessage["content"];
type AssistantContent = AssistantMessage["content"];
type ProviderOptions = NonNullable<AssistantMessage["providerOptions"]>;

/** The agent and model that read the transcript. */
export type HistoryReader = {
  /** The reading agent's name: other agents' messages are quoted as theirs. */
  agent: string;
  /** The reading model: reasoning goes back only to the model that made it. */
  model: string;
  /** The traits of the model's server. */
  traits: Pick<Traits, "userAfterTool" | "callIds" | "resultMedia" | "search">;
  /** hearth's own sentences. */
  phrases: Phrases;
  /** Whether one of our tools accepts exactly this call. */
  accepts(name: string, input: unknown): boolean;
  loadFile(part: FilePart, signal: AbortSignal): Promise<LoadedFile>;
};

export type Piece =
  | { role: "user"; content: UserContent; ended?: EarlyEnd | undefined }
  /** `message` is missing if nothing was said. */
  | {
      role: "assistant";
      message: AssistantMessage | undefined;
      results: ToolMessage | undefined;
      /** Images of results, for servers that take none inside them. */
      media: UserContent;
      ended: EarlyEnd | undefined;
    };

const RESULT_CHARS_MAX = 100_000;
const FOREIGN_OUTPUT_CHARS_MAX = 500;
/** A person runs a `!` command to show its output, so more of it is kept. */
const SHELL_OUTPUT_CHARS_MAX = 30_000;

const bounded = (text: string, max: number): string =>
  endsOf(text, max, (left) => `\n[… ${left} characters left out …]\n`);

/** The result text of a call for the model, whatever its status. Never empty. */
function resultText({ status, output }: Pick<ToolCallPart, "status" | "output">, phrases: Phrases): string {
  const said = foreignText(bounded(output.trim() === "" ? "" : output, RESULT_CHARS_MAX));
  const withNote = (text: string) => (said === "" ? hearthNote(text) : `${said}\n${hearthNote(text)}`);
  switch (status) {
    case "completed":
      return said === "" ? "(no output)" : said;
    case "failed":
      return said === "" ? "The call failed." : said;
    case "denied":
      return said === "" ? "The user did not allow this call." : said;
    case "canceled":
      return withNote(phrases.callCanceled);
    case "interrupted":
    case "running":
      return withNote(phrases.callInterrupted);
    case "pending":
      return withNote(phrases.callNotRun);
  }
}

/** If the person changed the command, says what ran instead. */
function editedText({ edited, input }: Pick<ToolCallPart, "edited" | "input">): string {
  if (edited === undefined) return "";
  const command = isObject(input) ? input["command"] : undefined;
  return `${hearthNote(`The user changed the command before it ran. This was run instead:\n${foreignText(String(command))}\nIts result follows.`)}\n`;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Only characters that every provider accepts in tool names. */
const plainName = (name: string, lengthMax: number): string => {
  const plain = name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, lengthMax);
  return plain === "" ? "_" : plain;
};

/** The n-th candidate for a call id in the form that the server accepts. */
export function callIdOf(id: string, n: number, form: Traits["callIds"]): string {
  if (form === "plain") return n === 1 ? plainName(id, 64) : `${plainName(id, 56)}_${n}`;
  if (n === 1 && /^[A-Za-z0-9]{9}$/.test(id)) return id;
  return createHash("sha256").update(`${n} ${id}`).digest("hex").slice(0, 9);
}

const optionsOf = (part: TextPart | ReasoningPart | ToolCallPart, isSameModel: boolean) =>
  isSameModel && part.provider !== undefined ? { providerOptions: part.provider as ProviderOptions } : {};

/** Joins adjacent texts: every server understands plain strings. */
export function joinTexts(content: UserContent): UserContent {
  const joined: UserContent = [];
  for (const part of content) {
    const before = joined.at(-1);
    if (part.type === "text" && before?.type === "text")
      joined[joined.length - 1] = { type: "text", text: `${before.text}\n\n${part.text}` };
    else joined.push(part);
  }
  return joined;
}

async function fromUser(message: Message, reader: HistoryReader, signal: AbortSignal): Promise<Piece> {
  const content: UserContent = [];
  for (const part of message.parts) {
    // Nobody prompted: an agent went on by itself.
    if (part.type === "notice") content.push({ type: "text", text: hearthNote(part.text) });
    if (part.type === "text" && part.text.trim() !== "")
      content.push({ type: "text", text: foreignText(part.text) });
    if (part.type !== "file") continue;
    const file = await reader.loadFile(part, signal);
    if (file.kind === "text") content.push({ type: "text", text: file.text });
    else {
      const { name: filename, mediaType, base64 } = file;
      content.push({ type: "file", filename, mediaType, data: { type: "data", data: base64 } });
      if (file.note !== undefined) content.push({ type: "text", text: file.note });
    }
  }
  if (content.length === 0) content.push({ type: "text", text: hearthNote(reader.phrases.emptyPrompt) });
  return { role: "user", content: joinTexts(content) };
}

/** Another agent's message, quoted as text: its tools are not ours to call. */
function fromOtherAgent(message: Message): Piece {
  const outputMax = message.agent === SHELL_AGENT ? SHELL_OUTPUT_CHARS_MAX : FOREIGN_OUTPUT_CHARS_MAX;
  const lines: string[] = [];
  for (const part of message.parts) {
    if (part.type === "text" && part.text.trim() !== "") lines.push(part.text);
    if (part.type !== "tool_call") continue;
    const output = bounded(part.output.trim(), outputMax);
    lines.push(`[${part.title || part.name} · ${part.status}]${output === "" ? "" : `\n${output}`}`);
  }
  // A person's own command is not a request to an agent.
  const ended = message.agent === SHELL_AGENT ? undefined : earlyEndOf(message);
  if (lines.length === 0) return { role: "user", content: [], ended };
  const said = textInside("agent", lines.join("\n"));
  const text = `<agent name=${JSON.stringify(foreignText(message.agent))}>\n${said}\n</agent>`;
  return { role: "user", content: [{ type: "text", text }], ended };
}

/**
 * Servers refuse reasoning that nothing follows (the start of an answer that was cut off). A gateway's details belong
 * to the whole answer, wherever in it they came.
 */
function withoutTrailingReasoning(content: AssistantContent): AssistantContent {
  const last = content.findLastIndex((part) => part.type !== "reasoning");
  if (last < 0) return [];
  return content.filter((part, at) => at <= last || part.providerOptions?.["compatible"] !== undefined);
}

async function fromOwnAgent(message: Message, reader: HistoryReader, signal: AbortSignal): Promise<Piece> {
  const isSameModel = message.model === reader.model;
  const files = await filesOfResults(message, reader, signal);
  const media: UserContent = [];
  const content: AssistantContent = [];
  const results: ToolResult[] = [];
  for (const part of message.parts) {
    switch (part.type) {
      case "text":
        if (part.text.trim() !== "") content.push(...textsOf(part, isSameModel, reader));
        // Blank text is left out. OpenAI refuses a reasoning item without the item that followed it.
        else while (isOpenAiItem(content.at(-1))) content.pop();
        break;
      case "reasoning":
        if (isSameModel && (part.text.trim() !== "" || part.provider !== undefined))
          content.push({
            type: "reasoning",
            text: part.text.toWellFormed(),
            ...optionsOf(part, isSameModel),
          });
        break;
      case "tool_call": {
        if (part.provider_run === true) {
          addSearch(content, part, isSameModel, reader);
          break;
        }
        const toolCallId = callIdOf(part.tool_call_id, 1, reader.traits.callIds);
        const toolName = plainName(part.name, 64);
        const asked = wellFormed(part.edited === undefined ? part.input : part.edited.input);
        const input = isObject(asked) ? asked : {};
        content.push({ type: "tool-call", toolCallId, toolName, input, ...optionsOf(part, isSameModel) });
        const type = part.status === "completed" ? ("text" as const) : ("error-text" as const);
        const loaded = files.get(part.tool_call_id) ?? [];
        const said = [
          editedText(part) + resultText(part, reader.phrases),
          ...loaded.flatMap(textOfFile),
        ].join("\n");
        const seen = loaded.flatMap(mediaOfFile);
        const isInside = seen.length > 0 && reader.traits.resultMedia;
        if (!isInside) media.push(...seen);
        results.push({
          type: "tool-result",
          toolCallId,
          toolName,
          output: isInside
            ? { type: "content", value: [{ type: "text", text: said }, ...seen] }
            : { type, value: said },
        });
        break;
      }
      default: // notices are for people; files belong to their calls
    }
  }
  const sent = withoutTrailingReasoning(content);
  return {
    role: "assistant",
    message: sent.length === 0 ? undefined : { role: "assistant", content: sent },
    results: results.length > 0 ? { role: "tool", content: results } : undefined,
    media,
    ended: earlyEndOf(message),
  };
}

/** A text with citations goes back in its pieces to the model that cites. */
function textsOf(part: TextPart, isSameModel: boolean, { traits }: HistoryReader): AssistantContent {
  const cited = citedTexts(part);
  if (cited === undefined)
    return [{ type: "text", text: foreignText(part.text), ...optionsOf(part, isSameModel) }];
  if (!isSameModel || traits.search === "none") return [{ type: "text", text: foreignText(part.text) }];
  return cited.map((piece) => ({ ...piece, text: foreignText(piece.text) }));
}

/** A search that the provider made: as itself to the model that searched, as text to any other. */
function addSearch(
  content: AssistantContent,
  part: ToolCallPart,
  isSameModel: boolean,
  { traits, phrases }: HistoryReader,
) {
  const own = isSameModel ? searchParts(part, traits.search) : undefined;
  if (own !== undefined) return void content.push(...own);
  while (isOpenAiItem(content.at(-1))) content.pop();
  if (part.status !== "completed" || part.output.trim() === "") return;
  const found = outsideData("web search", bounded(part.output, RESULT_CHARS_MAX));
  content.push({ type: "text", text: `${hearthNote(phrases.searched)}\n${found}` });
}

/** The files of calls' results, by call. */
async function filesOfResults(message: Message, reader: HistoryReader, signal: AbortSignal) {
  const files = new Map<string, LoadedFile[]>();
  for (const part of message.parts) {
    if (part.type !== "file" || part.tool_call_id === undefined) continue;
    const loaded = await reader.loadFile(part, signal);
    files.set(part.tool_call_id, [...(files.get(part.tool_call_id) ?? []), loaded]);
  }
  return files;
}

const textOfFile = (file: LoadedFile): string[] =>
  file.kind === "text" ? [file.text] : file.note === undefined ? [] : [file.note];

const mediaOfFile = (file: LoadedFile): Extract<UserContent[number], { type: "file" }>[] =>
  file.kind === "text"
    ? []
    : [
        {
          ...{ type: "file", filename: file.name, mediaType: file.mediaType },
          data: { type: "data", data: file.base64 },
        },
      ];

const isOpenAiItem = (part: AssistantContent[number] | undefined): boolean =>
  part?.type === "reasoning" && part.providerOptions?.["openai"] !== undefined;

/** Another agent's call counts as ours if it could be: same tool, valid arguments. */
function isLikeOurs(message: Message, reader: HistoryReader): boolean {
  const calls = message.parts.filter((part) => part.type === "tool_call");
  return calls.length > 0 && calls.every((call) => reader.accepts(call.name, call.input));
}

/** Converts one message of the transcript for its reader. */
export async function toModelMessage(
  message: Message,
  reader: HistoryReader,
  signal: AbortSignal,
): Promise<Piece> {
  if (message.role === "user") return fromUser(message, reader, signal);
  if (message.agent === reader.agent || isLikeOurs(message, reader))
    return fromOwnAgent(message, reader, signal);
  return fromOtherAgent(message);
}
