import type { z } from "zod";
import { agentRoutes } from "./routes/agents.ts";
import { changeRoutes } from "./routes/changes.ts";
import { daemonRoutes } from "./routes/daemon.ts";
import { mcpRoutes } from "./routes/mcp.ts";
import { permissionRoutes } from "./routes/permissions.ts";
import { runRoutes } from "./routes/runs.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { taskRoutes } from "./routes/tasks.ts";
import { transferRoutes } from "./routes/transfer.ts";
import { workspaceRoutes } from "./routes/workspaces.ts";

/**
 * Every endpoint, keyed "METHOD path". The server parses with these schemas, the client uses only their types (it loads
 * no zod), and the OpenAPI document is generated from them.
 */
export const routes = {
  ...daemonRoutes,
  ...workspaceRoutes,
  ...sessionRoutes,
  ...runRoutes,
  ...agentRoutes,
  ...changeRoutes,
  ...permissionRoutes,
  ...mcpRoutes,
  ...taskRoutes,
  ...transferRoutes,
} as const;

export type Routes = typeof routes;
export type RouteKey = keyof Routes;
export const routeKeys = Object.keys(routes) as RouteKey[];

type InputOf<S> = S extends z.ZodType ? z.input<S> : undefined;
type OutputOf<S> = S extends z.ZodType ? z.output<S> : undefined;
type Part<K extends RouteKey, Name extends string> = Routes[K] extends Record<Name, infer S> ? S : undefined;

/** What a caller passes; `query` values are not parsed yet. */
export type RouteInput<K extends RouteKey> = {
  params: InputOf<Part<K, "params">>;
  query: InputOf<Part<K, "query">>;
  body: InputOf<Part<K, "body">>;
};
/** What a handler is given after parsing. */
export type RouteParsed<K extends RouteKey> = {
  params: OutputOf<Part<K, "params">>;
  query: OutputOf<Part<K, "query">>;
  body: OutputOf<Part<K, "body">>;
};
export type RouteReply<K extends RouteKey> = Routes[K]["replies"][keyof Routes[K]["replies"]] extends infer S
  ? OutputOf<S>
  : never;
