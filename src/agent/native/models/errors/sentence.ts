import { splitJson } from "../wire/events.ts";
import { isRecord, type Loose } from "../wire/loose.ts";

const SENTENCE_CHARS_MAX = 400;
/** Deeper than any known error is nested. */
const DEPTH_MAX = 6;

export const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > SENTENCE_CHARS_MAX ? `${line.slice(0, SENTENCE_CHARS_MAX)}…` : line;
};

/** A gateway's message when it only passes an error on. */
const passedOn =
  /^(provider returned error|upstream (request )?(error|failed)|error from provider|bad request|error)\.?$/i;
/** Fields that may hold the sentence, best first. */
const sentenceFields = [
  "message",
  "error",
  "detail",
  "details",
  "msg",
  "error_message",
  "error_description",
  "description",
  "errors",
  "title",
  "reason",
  "response",
];

/** One issue of a list, with its place: `{ loc: ["body", "x"], msg: "…" }`. */
function issueOf(value: unknown, depth: number): string {
  const sentence = sentenceIn(value, depth);
  if (!isRecord(value) || !Array.isArray(value["loc"]) || sentence === "") return sentence;
  return `${value["loc"].join(".")}: ${sentence}`;
}

function sentenceOfText(text: string, depth: number): string {
  const trimmed = text.trim();
  if (/^<(!doctype|html|head|body|\?xml)/i.test(trimmed)) return ""; // an HTML page adds nothing to the status
  const at = trimmed.search(/[{[]/);
  if (at < 0) return trimmed;
  const { values, rest } = splitJson(trimmed.slice(at));
  const inner = values
    .map((value) => (typeof value === "object" ? sentenceIn(value, depth + 1) : ""))
    .find(Boolean);
  if (inner === undefined) return trimmed;
  return [trimmed.slice(0, at), inner, rest]
    .map((piece) => piece.trim())
    .filter(Boolean)
    .join(" ");
}

function sentenceIn(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) return "";
  if (typeof value === "string") return sentenceOfText(value, depth);
  if (Array.isArray(value))
    return value
      .slice(0, 3)
      .map((each: unknown) => issueOf(each, depth + 1))
      .filter(Boolean)
      .join("; ");
  if (!isRecord(value)) return "";
  const sentence = sentenceFields.map((field) => sentenceIn(value[field], depth + 1)).find(Boolean) ?? "";
  const raw = isRecord(value["metadata"]) ? sentenceIn(value["metadata"]["raw"], depth + 1) : "";
  if (raw === "") return sentence;
  return sentence === "" || passedOn.test(sentence) ? raw : `${sentence}: ${raw}`;
}

/** The readable sentence inside an error, however nested; empty if there is none. */
export const sentenceOf = (value: unknown): string => oneLine(sentenceIn(value, 0));

/** The body as JSON, or as text if it is not JSON. */
export function parsedBody(body: string): unknown {
  const { values, rest } = splitJson(body.trim());
  return values.length > 0 && rest === "" ? values[0] : body;
}

/** All objects inside an error, outermost first: codes occur at any depth. */
export function recordsIn(value: unknown, depth = 0): Loose[] {
  if (depth > DEPTH_MAX) return [];
  if (typeof value === "string") {
    const at = value.search(/[{[]/);
    return at < 0
      ? []
      : splitJson(value.slice(at).trim()).values.flatMap((each) => recordsIn(each, depth + 1));
  }
  if (Array.isArray(value)) return value.flatMap((each: unknown) => recordsIn(each, depth + 1));
  if (!isRecord(value)) return [];
  return [
    value,
    ...Object.values(value).flatMap((each) =>
      typeof each === "string" && !/^\s*[{[]/.test(each) ? [] : recordsIn(each, depth + 1),
    ),
  ];
}
