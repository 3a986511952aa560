import { z } from "zod";

/** What one run of hearth did, from its events (`--format stream-json`). */
export type Measured = {
  outcome: string;
  /** What went wrong, if something did. */
  error: string | undefined;
  steps: number;
  toolCalls: number;
  failedCalls: number;
  edits: number;
  /** Edits that were applied as they were first asked for. */
  firstTryEdits: number;
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  cost: number;
};

const Part = z.object({
  id: z.string(),
  type: z.string(),
  kind: z.string().optional(),
  status: z.string().optional(),
  title: z.string().optional(),
});
const Line = z.object({
  type: z.string(),
  payload: z.object({
    message: z.object({ id: z.string(), role: z.string(), parts: z.array(Part) }).optional(),
    outcome: z.string().optional(),
    error: z.object({ message: z.string() }).nullish(),
    steps: z.number().optional(),
    usage: z
      .object({ input_tokens: z.number(), output_tokens: z.number(), cache_read_tokens: z.number() })
      .optional(),
    cost: z.number().nullish(),
  }),
});

/** Lines that are not events are skipped: a run that was killed ends in the middle of one. */
export function measure(stream: string): Measured {
  const messages = new Map<string, z.infer<typeof Part>[]>();
  let end: z.infer<typeof Line>["payload"] = {};
  for (const line of stream.split("\n")) {
    const event = parsed(line);
    const message = event?.payload.message;
    if (message?.role === "assistant") messages.set(message.id, message.parts);
    if (event?.type === "run.completed") end = event.payload;
  }
  const calls = [...messages.values()].flat().filter(({ type }) => type === "tool_call");
  const failed = calls.filter(({ status }) => status === "failed");
  const edits = calls.filter(({ kind }) => kind === "edit");
  return {
    outcome: end.outcome ?? "none",
    error: end.error?.message,
    steps: end.steps ?? messages.size,
    toolCalls: calls.length,
    failedCalls: failed.length,
    edits: edits.length,
    firstTryEdits: firstTries(edits).filter(({ status }) => status === "completed").length,
    inputTokens: end.usage?.input_tokens ?? 0,
    cachedTokens: end.usage?.cache_read_tokens ?? 0,
    outputTokens: end.usage?.output_tokens ?? 0,
    cost: end.cost ?? 0,
  };
}

/** An edit of a file right behind a failed edit of the same file is its second try. */
const firstTries = <T extends { title?: string | undefined; status?: string | undefined }>(
  edits: readonly T[],
): T[] =>
  edits.filter((edit, index) => {
    const before = edits[index - 1];
    return !(before?.status === "failed" && before.title === edit.title);
  });

function parsed(line: string) {
  try {
    return Line.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
