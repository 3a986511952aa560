import type { FilePart, Message, ReasoningPart, ToolCallPart } from "../../protocol/message.ts";
import { SHELL_AGENT } from "../../protocol/shell-agent.ts";
import type { LoadedFile } from "./attachments.ts";
import type { PromptMessage } from "./models/model.ts";

type UserMessage = Extract<PromptMessage, { role: "user" }>;
type AssistantMessage = Extract<PromptMessage, { role: "assistant" }>;
type ToolMessage = Extract<PromptMessage, { role: "tool" }>;
type ToolResult = Extract<ToolMessage["content"][number], { type: "tool-result" }>;
type UserContent = UserMessage["content"];
type AssistantContent = AssistantMessage["content"];
type ProviderOptions = NonNullable<AssistantMessage["providerOptions"]>;

/** For whom the transcript is told. */
export type HistoryReader = {
  /** Our own agent's name: other agents' messages are told as theirs. */
  agent: string;
  /** Reasoning goes back only to the model that made it. */
  model: string;
  /** A call that one of our tools could have been asked for in just this way. */
  accepts(name: string, input: unknown): boolean;
  loadFile(part: FilePart): LoadedFile;
};

/** What the loop has to say to the model around a message. Stays where it is once it has been sent. */
export type Notes = ReadonlyMap<string, { before?: string | undefined; after?: string | undefined }>;

type Piece =
  | { role: "user"; content: UserContent }
  | { role: "assistant"; message: AssistantMessage; results: ToolMessage | undefined };

const RESULT_CHARS_MAX = 100_000;
const FOREIGN_OUTPUT_CHARS_MAX = 500;
/** What a person ran themselves, they ran to show it. */
const SHELL_OUTPUT_CHARS_MAX = 30_000;
const continueText =
  "[Your answer was cut off here before it was complete. Go on exactly where it stopped; do not repeat what is there.]";
const beginningText = "[The beginning of this conversation is not available.]";
const emptyText = "[The user sent an empty message.]";

function bounded(text: string, max: number): string {
  if (text.length <= max) return text;
  const half = Math.floor(max / 2);
  return `${text.slice(0, half)}\n[… ${text.length - 2 * half} characters left out …]\n${text.slice(-half)}`;
}

/** What the model is told of a call, whatever became of it. Never empty. */
export function resultText({ status, output }: Pick<ToolCallPart, "status" | "output">): string {
  const said = bounded(output.trim() === "" ? "" : output, RESULT_CHARS_MAX);
  const withNote = (text: string) => (said === "" ? text : `${said}\n${text}`);
  switch (status) {
    case "completed":
      return said === "" ? "(no output)" : said;
    case "failed":
      return said === "" ? "The call failed." : said;
    case "denied":
      return said === "" ? "The user did not allow this call." : said;
    case "canceled":
      return said === ""
        ? "[Canceled by the user before it finished.]"
        : `${said}\n[Canceled before it finished.]`;
    case "interrupted":
    case "running":
      return withNote("[Interrupted before it finished; what it has done so far is unknown.]");
    case "pending":
      return withNote("[This call was not run.]");
  }
}

/** A person may have run something else than what was asked for: the answer to the call says what. */
function editedText({ edited, input }: Pick<ToolCallPart, "edited" | "input">): string {
  if (edited === undefined) return "";
  const command = isObject(input) ? input["command"] : undefined;
  return `[The user changed the command before it ran. This was run instead:\n${String(command)}\nIts result:]\n`;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Letters that every provider takes in ids and names of tools. */
const plainId = (id: string, lengthMax: number): string => {
  const plain = id.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, lengthMax);
  return plain === "" ? "_" : plain;
};

const optionsOf = (part: ReasoningPart | ToolCallPart, isSameModel: boolean) =>
  isSameModel && part.provider !== undefined ? { providerOptions: part.provider as ProviderOptions } : {};

/** Neighbouring texts become one: plain strings are what every server understands. */
function joinTexts(content: UserContent): UserContent {
  const joined: UserContent = [];
  for (const part of content) {
    const before = joined.at(-1);
    if (part.type === "text" && before?.type === "text")
      joined[joined.length - 1] = { type: "text", text: `${before.text}\n\n${part.text}` };
    else joined.push(part);
  }
  return joined;
}

function tellUser(message: Message, reader: HistoryReader): Piece {
  const content: UserContent = [];
  for (const part of message.parts) {
    if (part.type === "text" && part.text.trim() !== "") content.push({ type: "text", text: part.text });
    if (part.type !== "file") continue;
    const file = reader.loadFile(part);
    if (file.kind === "text") content.push({ type: "text", text: file.text });
    else
      content.push({
        type: "file",
        filename: file.name,
        mediaType: file.mediaType,
        data: { type: "data", data: file.base64 },
      });
  }
  if (content.length === 0) content.push({ type: "text", text: emptyText });
  return { role: "user", content: joinTexts(content) };
}

/** Another agent's words and deeds, told to ours as text: its tools are not ours to imitate. */
function tellForeign(message: Message): Piece | undefined {
  const outputMax = message.agent === SHELL_AGENT ? SHELL_OUTPUT_CHARS_MAX : FOREIGN_OUTPUT_CHARS_MAX;
  const lines: string[] = [];
  for (const part of message.parts) {
    if (part.type === "text" && part.text.trim() !== "") lines.push(part.text);
    if (part.type !== "tool_call") continue;
    const output = bounded(part.output.trim(), outputMax);
    lines.push(`[${part.title || part.name} · ${part.status}]${output === "" ? "" : `\n${output}`}`);
  }
  if (lines.length === 0) return undefined;
  // Nobody's words may look like the end of them, with a request behind it.
  const said = lines.join("\n").replace(/<(\/\s*agent\b)/gi, "‹$1");
  const text = `<agent name=${JSON.stringify(message.agent)}>\n${said}\n</agent>`;
  return { role: "user", content: [{ type: "text", text }] };
}

function tellOwn(message: Message, reader: HistoryReader): Piece | undefined {
  const isSameModel = message.model === reader.model;
  const content: AssistantContent = [];
  const results: ToolResult[] = [];
  for (const part of message.parts) {
    switch (part.type) {
      case "text":
        if (part.text.trim() !== "") content.push({ type: "text", text: part.text });
        break;
      case "reasoning":
        if (isSameModel && (part.text.trim() !== "" || part.provider !== undefined))
          content.push({ type: "reasoning", text: part.text, ...optionsOf(part, isSameModel) });
        break;
      case "tool_call": {
        const toolCallId = plainId(part.tool_call_id, 64);
        const toolName = plainId(part.name, 64);
        const asked = part.edited === undefined ? part.input : part.edited.input;
        const input = isObject(asked) ? asked : {};
        content.push({ type: "tool-call", toolCallId, toolName, input, ...optionsOf(part, isSameModel) });
        const type = part.status === "completed" ? ("text" as const) : ("error-text" as const);
        results.push({
          type: "tool-result",
          toolCallId,
          toolName,
          output: { type, value: editedText(part) + resultText(part) },
        });
        break;
      }
      default: // notices are for people; an assistant sends no files
    }
  }
  if (!content.some((part) => part.type === "text" || part.type === "tool-call")) return undefined;
  return {
    role: "assistant",
    message: { role: "assistant", content },
    results: results.length > 0 ? { role: "tool", content: results } : undefined,
  };
}

/** A call of another agent counts as ours where it could have been: same tool, arguments that fit. */
function isLikeOurs(message: Message, reader: HistoryReader): boolean {
  const calls = message.parts.filter((part) => part.type === "tool_call");
  return calls.length > 0 && calls.every((call) => reader.accepts(call.name, call.input));
}

function tell(message: Message, reader: HistoryReader): Piece | undefined {
  if (message.role === "user") return tellUser(message, reader);
  if (message.agent === reader.agent || isLikeOurs(message, reader)) return tellOwn(message, reader);
  return tellForeign(message);
}

/** Gives every call in the conversation an id of its own: some servers count from zero in every answer. */
function withOwnIds(piece: Extract<Piece, { role: "assistant" }>, taken: Set<string>) {
  const { message, results } = piece;
  if (results === undefined) return piece;
  let renamed: Map<number, string> | undefined;
  let at = 0;
  for (const part of message.content) {
    if (part.type !== "tool-call") continue;
    let id = part.toolCallId;
    for (let n = 2; taken.has(id); n += 1) id = `${part.toolCallId.slice(0, 56)}_${n}`;
    taken.add(id);
    if (id !== part.toolCallId) {
      renamed ??= new Map();
      renamed.set(at, id);
    }
    at += 1;
  }
  if (renamed === undefined) return piece;
  let call = -1;
  const content = message.content.map((part) => {
    if (part.type !== "tool-call") return part;
    call += 1;
    return { ...part, toolCallId: renamed.get(call) ?? part.toolCallId };
  });
  const told = results.content.map((part, index) =>
    part.type === "tool-result" ? { ...part, toolCallId: renamed.get(index) ?? part.toolCallId } : part,
  );
  return { ...piece, message: { ...message, content }, results: { ...results, content: told } };
}

/**
 * Makes prompts of transcripts. Whatever happened to a session, what it gives is valid everywhere: it begins and
 * ends with a user's or tools' turn, turns alternate, no text is empty, every call has exactly one result right
 * after it (G16). A message is converted once and the piece kept as long as the message itself.
 */
export function createHistory(reader: HistoryReader) {
  const pieces = new WeakMap<Message, { piece: Piece | undefined }>();

  function pieceOf(message: Message): Piece | undefined {
    const known = pieces.get(message);
    if (known) return known.piece;
    const piece = tell(message, reader);
    pieces.set(message, { piece });
    return piece;
  }

  /** `opening` stands before the first user message: the environment and the project's instructions. */
  return (messages: readonly Message[], opening: string, notes: Notes): PromptMessage[] => {
    const out: PromptMessage[] = [];
    const taken = new Set<string>();
    let isOpened = opening === "";

    function pushUser(content: UserContent) {
      const opened = isOpened ? content : [{ type: "text" as const, text: opening }, ...content];
      isOpened = true;
      const last = out.at(-1);
      if (last?.role === "user")
        out[out.length - 1] = { role: "user", content: joinTexts([...last.content, ...opened]) };
      else out.push({ role: "user", content: opened === content ? content : joinTexts(opened) });
    }
    const pushText = (text: string) => pushUser([{ type: "text", text }]);

    for (const message of messages) {
      const piece = pieceOf(message);
      const note = notes.get(message.id);
      if (note?.before !== undefined) pushText(note.before);
      if (piece?.role === "user") pushUser(piece.content);
      else if (piece !== undefined) {
        if (out.length === 0) pushText(beginningText);
        else if (out.at(-1)?.role === "assistant") pushText(continueText);
        const own = withOwnIds(piece, taken);
        out.push(own.message);
        if (own.results !== undefined) out.push(own.results);
      }
      if (note?.after !== undefined) pushText(note.after);
    }
    if (out.length === 0) pushText(beginningText);
    else if (out.at(-1)?.role === "assistant") pushText(continueText);
    return out;
  };
}
export type History = ReturnType<typeof createHistory>;
