import { z } from "zod";
import { Agent, AgentCommand, AgentMode, AgentModel, AgentSession } from "../../protocol/agent.ts";
import { type EventType, eventSchemas, eventTypes, PartDelta } from "../../protocol/events.ts";
import {
  ClientId,
  MessageId,
  PartId,
  PermissionId,
  RunId,
  SessionId,
  WorkspaceId,
} from "../../protocol/ids.ts";
import {
  FilePart,
  Message,
  NoticePart,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolView,
} from "../../protocol/message.ts";
import { Permission, PermissionDetail, PermissionOption } from "../../protocol/permission.ts";
import { Plan } from "../../protocol/plan.ts";
import { Health } from "../../protocol/routes/daemon.ts";
import { PromptBody, PromptReply } from "../../protocol/routes/runs.ts";
import { ErrorReply, type Route } from "../../protocol/routes/shared.ts";
import { routeKeys, routes } from "../../protocol/routes.ts";
import { Run, RunCompleted, RunError } from "../../protocol/run.ts";
import { Session } from "../../protocol/session.ts";
import { Snapshot } from "../../protocol/snapshot.ts";
import { Time } from "../../protocol/time.ts";
import { Usage } from "../../protocol/usage.ts";
import { PROTOCOL } from "../../protocol/version.ts";
import { Client, Environment, Workspace } from "../../protocol/workspace.ts";

/** Schemas that are named in the document and referenced by name. */
const shapes = {
  ...{ WorkspaceId, SessionId, MessageId, PartId, RunId, PermissionId, ClientId, Time, Usage },
  ...{ Workspace, Client, Environment, Session, Snapshot, Health, Plan, ErrorReply },
  ...{ Message, Part, TextPart, ReasoningPart, ToolCallPart, FilePart, NoticePart, ToolView },
  ...{ Run, RunCompleted, RunError, PartDelta, PromptBody, PromptReply },
  ...{ Permission, PermissionDetail, PermissionOption },
  ...{ Agent, AgentModel, AgentMode, AgentCommand, AgentSession },
};

type Json = Record<string, unknown>;

/** OpenAPI 3.1 of every route and event, made from the schemas that the daemon itself parses with. */
export function createOpenApiDocument(): Json {
  const write = createSchemaWriter();
  const paths: Record<string, Json> = {};
  for (const key of routeKeys) {
    const [method = "", path = ""] = key.split(" ");
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = operation(key, routes[key], write.schema);
  }
  const event = {
    oneOf: eventTypes.map((type) => write.schema(eventSchemas[type], "output")),
    discriminator: {
      propertyName: "type",
      mapping: Object.fromEntries(eventTypes.map((type) => [type, reference(eventName(type))])),
    },
  };
  const failed = write.schema(ErrorReply, "output");
  return {
    openapi: "3.1.0",
    info: {
      title: "hearth",
      version: PROTOCOL,
      description:
        "The daemon's HTTP interface, on its unix socket. A client posts prompts and learns everything else from " +
        "one event stream per workspace. Unknown fields are ignored, in requests and in what is received.",
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    paths,
    components: {
      schemas: { ...write.components(), Event: event },
      responses: {
        Error: {
          description: "What was wrong, and what to do. `error.code` is stable.",
          content: { "application/json": { schema: failed } },
        },
      },
    },
  };
}

const reference = (name: string) => `#/components/schemas/${name}`;

/** run.completed → RunCompletedEvent */
const eventName = (type: EventType) =>
  `${type.replace(/(?:^|[._])(\w)/g, (_, letter: string) => letter.toUpperCase())}Event`;

function operation(key: string, route: Route, schema: SchemaWriter): Json {
  const problems = [
    ...(route.query || route.body ? [400] : []),
    ...(route.params ? [404] : []),
    ...(route.body ? [413, 415] : []),
    "default",
  ];
  const error = { $ref: "#/components/responses/Error" };
  return {
    operationId: operationId(key),
    summary: route.summary,
    parameters: [
      ...parameters(route.params, "path", schema),
      ...parameters(route.query, "query", schema),
      ...(isStream(route) ? [lastEventId] : []),
    ],
    ...(route.body && {
      requestBody: {
        // A body without required fields may be left out.
        required: !route.body.safeParse({}).success,
        content: { "application/json": { schema: schema(route.body, "input") } },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.replies).map(([status, reply]) => [status, success(reply, schema)]),
      ),
      ...Object.fromEntries(problems.map((status) => [status, error])),
    },
  };
}

const isStream = (route: Route) => Object.values(route.replies).includes("stream");

const lastEventId = {
  name: "Last-Event-ID",
  in: "header",
  required: false,
  description: "Resumes after this seq; wins over `since`.",
  schema: { type: "string" },
};

/** GET /v1/workspaces/{wid}/sessions → get_workspaces_wid_sessions */
const operationId = (key: string) =>
  key
    .replace(" /v1", "")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/_$/, "")
    .toLowerCase();

function success(reply: z.ZodType | "stream", schema: SchemaWriter): Json {
  if (reply !== "stream") {
    return { description: "Done", content: { "application/json": { schema: schema(reply, "output") } } };
  }
  return {
    description:
      "Events as they happen: `id` is the seq, `event` the type, `data` an Event as JSON on one line. " +
      "A comment line every 15 s keeps the stream alive.",
    content: {
      "text/event-stream": { schema: { type: "string" }, "x-hearth-event": { $ref: reference("Event") } },
    },
  };
}

function parameters(object: z.ZodObject | undefined, place: "path" | "query", schema: SchemaWriter): Json[] {
  return Object.entries(object?.shape ?? {}).map(([name, field]) => ({
    name,
    in: place,
    required: place === "path" || !(field as z.ZodType).safeParse(undefined).success,
    schema: schema(field as z.ZodType, "input"),
  }));
}

type SchemaWriter = (schema: z.ZodType, io: "input" | "output") => Json;

function createSchemaWriter(): { schema: SchemaWriter; components(): Record<string, Json> } {
  const names = z.registry<{ id: string }>();
  const components: Record<string, Json> = {};
  for (const [name, schema] of Object.entries(shapes)) names.add(schema, { id: name });
  for (const type of eventTypes) names.add(eventSchemas[type], { id: eventName(type) });

  const schema: SchemaWriter = (from, io) => {
    const {
      $schema: _dialect,
      $defs = {},
      ...own
    } = z.toJSONSchema(from, { io, metadata: names, override: relax });
    for (const [name, definition] of Object.entries($defs)) components[name] ??= hoisted(definition);
    return hoisted(own);
  };
  return {
    schema,
    components: () => Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Clients must accept fields that a newer daemon adds, and "safe integer" is no useful bound. */
function relax({ jsonSchema }: { jsonSchema: Json }): void {
  if (jsonSchema["additionalProperties"] === false) delete jsonSchema["additionalProperties"];
  if (jsonSchema["minimum"] === Number.MIN_SAFE_INTEGER) delete jsonSchema["minimum"];
  if (jsonSchema["maximum"] === Number.MAX_SAFE_INTEGER) delete jsonSchema["maximum"];
}

/** Moves zod's local definitions to the document's components. */
function hoisted(schema: unknown): Json {
  const { id: _id, ...moved } = JSON.parse(
    JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'),
  );
  return moved;
}
