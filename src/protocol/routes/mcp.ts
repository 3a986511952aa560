import { z } from "zod";
import { McpLoginState, McpServer } from "../mcp.ts";
import { byClient, ofWorkspace, route } from "./shared.ts";

const ofMcpServer = ofWorkspace.extend({ name: z.string().min(1).max(200) });

export const mcpRoutes = {
  "GET /v1/workspaces/{wid}/mcp": route({
    summary: "MCP servers and what they offer",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: z.object({ servers: z.array(McpServer) }) },
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
