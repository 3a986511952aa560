import { z } from "zod";
import { McpLoginState, McpServer, SessionMcpServer } from "../mcp.ts";
import { by, byClient, ofSession, ofWorkspace, route } from "./shared.ts";

const SESSION_SERVERS_MAX = 50;

const ofMcpServer = ofWorkspace.extend({ name: z.string().min(1).max(200) });

export const mcpRoutes = {
  "PUT /v1/workspaces/{wid}/sessions/{sid}/mcp": route({
    summary:
      "Give a session MCP servers of its own, instead of those that it was given before; they are not stored",
    params: ofSession,
    query: byClient,
    body: z.object({ servers: z.array(SessionMcpServer).max(SESSION_SERVERS_MAX) }),
    replies: { 200: z.object({ servers: z.array(z.string()) }) },
  }),
  "GET /v1/workspaces/{wid}/mcp": route({
    summary: "MCP servers and what they offer",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: z.object({ servers: z.array(McpServer) }) },
  }),
  "GET /v1/workspaces/{wid}/mcp/arguments": route({
    summary: "What fits the argument of an MCP server's prompt that is being typed",
    params: ofWorkspace,
    query: z.object({
      ...by,
      command: z.string().max(200).default(""),
      typed: z.string().max(2_000).default(""),
    }),
    replies: {
      200: z.object({
        values: z.array(z.string()),
        /** The characters at the end of what was typed that a value stands for. */
        replaces: z.int(),
      }),
    },
  }),
  "POST /v1/workspaces/{wid}/mcp/{name}/test": route({
    summary: "Start an MCP server, also one that has failed, and say how it went",
    params: ofMcpServer,
    query: byClient,
    replies: { 200: z.object({ server: McpServer }) },
  }),
  "POST /v1/workspaces/{wid}/mcp/{name}/login": route({
    summary: "Begin a login at an MCP server: says where the person goes on",
    params: ofMcpServer,
    query: byClient,
    body: z.object({ device: z.boolean().optional() }),
    replies: { 202: z.object({ login: McpLoginState }) },
  }),
  "GET /v1/workspaces/{wid}/mcp/{name}/login": route({
    summary: "How the login at an MCP server goes that was begun last",
    params: ofMcpServer,
    query: byClient,
    replies: { 200: z.object({ login: McpLoginState }) },
  }),
  "POST /v1/workspaces/{wid}/mcp/{name}/logout": route({
    summary: "Forget the login at an MCP server",
    params: ofMcpServer,
    query: byClient,
    replies: { 200: z.object({ removed: z.boolean() }) },
  }),
} as const;
