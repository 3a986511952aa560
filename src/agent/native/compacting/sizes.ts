import type { Message, Part, ToolCallPart } from "../../../protocol/message.ts";

/** The average of prose and code. */
export const CHARS_PER_TOKEN = 4;
/** The approximate tokens of an image of any size. */
const FILE_CHARS = 6_000;
/** The most of an output that is sent. */
const OUTPUT_CHARS_MAX = 100_000;

export const tokensOf = (chars: number): number => Math.ceil(chars / CHARS_PER_TOKEN);

export const outputChars = ({ output }: ToolCallPart): number => Math.min(output.length, OUTPUT_CHARS_MAX);

/** Inputs may be megabytes, so they are measured once. */
const inputChars = new WeakMap<object, number>();
function charsOfInput(input: unknown): number {
  if (typeof input !== "object" || input === null) return String(input).length;
  const known = inputChars.get(input);
  if (known !== undefined) return known;
  const chars = JSON.stringify(input).length;
  inputChars.set(input, chars);
  return chars;
}

function charsOfPart(part: Part): number {
  switch (part.type) {
    case "text":
    case "reasoning":
      return part.text.length;
    case "tool_call":
      return part.name.length + charsOfInput(part.input) + outputChars(part);
    case "file":
      return FILE_CHARS;
    case "notice":
      return 0;
  }
}

const messageChars = new WeakMap<Message, number>();

/** An estimate of what the message adds to a request. */
export function charsOfMessage(message: Message): number {
  const known = messageChars.get(message);
  if (known !== undefined) return known;
  const chars = message.parts.reduce((sum, part) => sum + charsOfPart(part), 0);
  messageChars.set(message, chars);
  return chars;
}

export const tokensOfMessages = (messages: readonly Message[]): number =>
  tokensOf(messages.reduce((sum, message) => sum + charsOfMessage(message), 0));

/** The results of the message's calls, which are not in the token count of the answer with the calls. */
export const tokensOfResults = ({ parts }: Message): number =>
  tokensOf(parts.reduce((sum, part) => sum + (part.type === "tool_call" ? outputChars(part) : 0), 0));
