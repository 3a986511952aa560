import { z } from "zod";

// The part of the traffic of `opencode serve` 1.18 that hearth reads. Everything else is ignored.

const ModelError = z.object({
  name: z.string(),
  data: z
    .looseObject({ message: z.string().optional(), statusCode: z.number().optional() })
    .optional()
    .catch(undefined),
});
export type ModelError = z.infer<typeof ModelError>;

const Tokens = z.object({
  input: z.number().catch(0),
  output: z.number().catch(0),
  reasoning: z.number().catch(0),
  cache: z.object({ read: z.number().catch(0), write: z.number().catch(0) }).catch({ read: 0, write: 0 }),
});
export type Tokens = z.infer<typeof Tokens>;

const UserInfo = z.object({ id: z.string(), sessionID: z.string(), role: z.literal("user") });
const AssistantInfo = z.object({
  id: z.string(),
  sessionID: z.string(),
  role: z.literal("assistant"),
  parentID: z.string(),
  /** A summary of the conversation, for opencode itself. */
  summary: z.boolean().optional().catch(undefined),
  providerID: z.string().optional(),
  modelID: z.string().optional(),
  time: z.object({ created: z.number(), completed: z.number().optional() }),
  finish: z.string().optional(),
  error: ModelError.optional(),
  cost: z.number().catch(0),
  tokens: Tokens.optional().catch(undefined),
});
export type AssistantInfo = z.infer<typeof AssistantInfo>;

const Values = z.record(z.string(), z.unknown());
const ToolState = z.object({
  status: z.enum(["pending", "running", "completed", "error"]),
  input: Values.catch({}),
  title: z.string().optional(),
  metadata: Values.optional().catch(undefined),
  output: z.string().optional(),
  error: z.string().optional(),
  time: z.object({ start: z.number(), end: z.number().optional() }).optional().catch(undefined),
});
export type ToolState = z.infer<typeof ToolState>;

const ofMessage = { id: z.string(), messageID: z.string(), sessionID: z.string() };
const ended = z.object({ end: z.number().optional() }).optional().catch(undefined);
const Part = z.discriminatedUnion("type", [
  z.object({ ...ofMessage, type: z.literal("text"), text: z.string(), time: ended }),
  z.object({ ...ofMessage, type: z.literal("reasoning"), text: z.string(), time: ended }),
  z.object({ ...ofMessage, type: z.literal("tool"), callID: z.string(), tool: z.string(), state: ToolState }),
  z.object({ ...ofMessage, type: z.literal("step-start") }),
  z.object({
    ...ofMessage,
    type: z.literal("step-finish"),
    reason: z.string(),
    cost: z.number().catch(0),
    tokens: Tokens,
  }),
]);
export type Part = z.infer<typeof Part>;
export type ToolPart = Extract<Part, { type: "tool" }>;

export const PermissionAsked = z.object({
  id: z.string(),
  sessionID: z.string(),
  permission: z.string(),
  patterns: z.array(z.string()).catch([]),
  metadata: Values.catch({}),
  tool: z.object({ messageID: z.string(), callID: z.string() }).optional().catch(undefined),
});
export type PermissionAsked = z.infer<typeof PermissionAsked>;

export const QuestionAsked = z.object({
  id: z.string(),
  sessionID: z.string(),
  questions: z.array(z.looseObject({ question: z.string() })).catch([]),
});
export type QuestionAsked = z.infer<typeof QuestionAsked>;

const Todo = z.object({ content: z.string(), status: z.string(), priority: z.string().catch("medium") });
const SessionInfo = z.object({ id: z.string(), title: z.string(), parentID: z.string().optional() });

const event = <T extends string, P extends z.ZodType>(type: T, properties: P) =>
  z.object({ type: z.literal(type), properties });

const WireEvent = z.discriminatedUnion("type", [
  event("message.updated", z.object({ info: z.discriminatedUnion("role", [UserInfo, AssistantInfo]) })),
  event("message.part.updated", z.object({ part: Part })),
  event(
    "message.part.delta",
    z.object({
      sessionID: z.string(),
      messageID: z.string(),
      partID: z.string(),
      field: z.string(),
      delta: z.string(),
    }),
  ),
  event(
    "session.status",
    z.object({
      sessionID: z.string(),
      status: z.discriminatedUnion("type", [
        z.object({ type: z.literal("busy") }),
        z.object({ type: z.literal("idle") }),
        z.object({ type: z.literal("retry"), attempt: z.number(), message: z.string() }),
      ]),
    }),
  ),
  event("session.idle", z.object({ sessionID: z.string() })),
  event("session.error", z.object({ sessionID: z.string().optional(), error: ModelError.optional() })),
  event("session.created", z.object({ info: SessionInfo })),
  event("session.updated", z.object({ info: SessionInfo })),
  event("session.compacted", z.object({ sessionID: z.string() })),
  event("todo.updated", z.object({ sessionID: z.string(), todos: z.array(Todo) })),
  event("permission.asked", PermissionAsked),
  event("question.asked", QuestionAsked),
]);
export type WireEvent = z.infer<typeof WireEvent>;

/** undefined for events that hearth does not use, and for unknown shapes. */
export const parseEvent = (value: unknown): WireEvent | undefined => WireEvent.safeParse(value).data;

const StoredMessage = z.object({
  info: z.discriminatedUnion("role", [UserInfo, AssistantInfo]),
  parts: z.array(z.unknown()),
});

/** A session's stored messages as events. The event that ends a message comes after its parts. */
export function eventsOfMessages(value: unknown): WireEvent[] {
  const list = z.array(z.unknown()).safeParse(value).data ?? [];
  return list.flatMap((entry): WireEvent[] => {
    const message = StoredMessage.safeParse(entry).data;
    if (message === undefined) return [];
    const { info } = message;
    const parts = message.parts.flatMap((part): WireEvent[] => {
      const known = Part.safeParse(part).data;
      return known === undefined ? [] : [{ type: "message.part.updated", properties: { part: known } }];
    });
    const updated = (shown: typeof info): WireEvent => ({
      type: "message.updated",
      properties: { info: shown },
    });
    if (info.role === "user") return [updated(info)];
    const { created } = info.time;
    return [
      updated({ ...info, time: { created }, finish: undefined, error: undefined }),
      ...parts,
      updated(info),
    ];
  });
}
