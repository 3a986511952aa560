import { z } from "zod";
import { Agent, AgentLogin } from "../agent.ts";
import { KnownModel, ModelList } from "../known-model.ts";
import { by, byClient, ofWorkspace, route } from "./shared.ts";

const providerName = z.string().min(1).max(200);

const ofAgent = ofWorkspace.extend({ name: z.string().min(1).max(200) });

export const agentRoutes = {
  "GET /v1/workspaces/{wid}/agent": route({
    summary:
      "Agents with readiness, models, modes and commands; the one named by `probe` is started and asked first",
    params: ofWorkspace,
    query: z.object({ ...by, probe: z.string().optional() }),
    replies: { 200: z.object({ agents: z.array(Agent) }) },
  }),
  "GET /v1/workspaces/{wid}/agent/{name}/logins": route({
    summary: "The ways to log in to an agent; it is started and asked",
    params: ofAgent,
    query: byClient,
    replies: { 200: z.object({ logins: z.array(AgentLogin) }) },
  }),
  "POST /v1/workspaces/{wid}/agent/{name}/login": route({
    summary: "Have an agent log in, or tell that a login in a terminal is done; then it is asked anew",
    params: ofAgent,
    query: byClient,
    body: z.object({ id: z.string().max(500) }),
    replies: { 200: z.object({ agent: Agent }) },
  }),
  "GET /v1/workspaces/{wid}/models": route({
    summary: "The models of hearth's own agent: windows, prices, abilities, efforts",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: ModelList.extend({ models: z.array(KnownModel) }) },
  }),
  "POST /v1/workspaces/{wid}/models/refresh": route({
    summary: "Read the list of models anew from models.dev, or from `models_url`",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: ModelList.extend({ models: z.int(), providers: z.int(), file: z.string() }) },
  }),
  "POST /v1/workspaces/{wid}/login": route({
    summary: "Test a provider's key and keep it; it is never shown again",
    params: ofWorkspace,
    query: byClient,
    body: z.object({
      provider: providerName,
      key: z.string().max(10_000).regex(/^\S+$/, "must be one word"),
    }),
    replies: { 200: z.object({ provider: z.string(), tested: z.boolean(), text: z.string() }) },
  }),
  "POST /v1/workspaces/{wid}/logout": route({
    summary: "Forget a provider's kept key",
    params: ofWorkspace,
    query: byClient,
    body: z.object({ provider: providerName }),
    replies: { 200: z.object({ provider: z.string(), removed: z.boolean(), text: z.string() }) },
  }),
} as const;
