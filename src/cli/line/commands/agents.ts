import { json, registry, yes } from "../options.ts";
import { type CommandSpec, optional, required, rest } from "../spec.ts";

export const agentCommands: readonly CommandSpec[] = [
  {
    path: ["agents", "list"],
    summary: "List the agents, whether each is ready, and how to fix it",
    arguments: [],
    options: [json],
    examples: ["hearth agents list"],
  },
  {
    path: ["agents", "probe"],
    summary: "Start an agent and check that it works",
    arguments: [{ ...optional("name", "The agent; without it, all that are installed"), offers: "agents" }],
    options: [json],
    examples: ["hearth agents probe goose"],
  },
  {
    path: ["agents", "login"],
    summary: "Log in to an agent, in the way that it offers",
    arguments: [{ ...required("name", "The agent"), offers: "agents" }],
    options: [{ name: "method", value: "ID", help: "This way, where there are several" }, json],
    examples: ["hearth agents login claude"],
  },
  {
    path: ["agents", "search"],
    summary: "Search the public registry of agents",
    arguments: [rest("words", "Only agents with these words")],
    options: [registry, json],
    examples: ["hearth agents search gemini"],
  },
  {
    path: ["agents", "add"],
    summary: "Add an agent of the registry, at one version, after showing what will run",
    arguments: [required("name", "Its name in the registry")],
    options: [registry, yes],
    examples: ["hearth agents add gemini"],
  },
  {
    path: ["agents", "remove"],
    summary: "Remove an agent that was added",
    arguments: [required("name", "The agent")],
    options: [],
    examples: ["hearth agents remove gemini"],
  },
  {
    path: ["agents", "update"],
    summary: "Update agents that were added, after showing what will run",
    arguments: [optional("name", "The agent; without it, all that were added")],
    options: [registry, yes],
    examples: ["hearth agents update"],
  },
  {
    path: ["models", "list"],
    summary: "List the models that can be used: windows, prices, abilities, efforts",
    arguments: [rest("words", "Only models with these words in their name")],
    options: [{ name: "all", short: "a", help: "Models of providers without a key too" }, json],
    examples: ["hearth models list", "hearth models list --all claude", "hearth models list --json"],
  },
  {
    path: ["models", "refresh"],
    summary: "Read the list of models anew from models.dev, or from models_url",
    arguments: [],
    options: [json],
    examples: ["hearth models refresh"],
  },
  {
    path: ["setup"],
    summary: "Find models, and keep keys for more",
    arguments: [],
    options: [],
    notes: ["Exit code 0: a model can be used; 3: none can."],
    examples: ["hearth setup"],
  },
  {
    path: ["login"],
    summary: "Test a provider's key and keep it",
    arguments: [
      required("provider", "anthropic, openai, google, openrouter, … or one of your configuration"),
    ],
    options: [json],
    examples: ["hearth login anthropic", "pass show openai | hearth login openai"],
  },
  {
    path: ["logout"],
    summary: "Forget a provider's kept key",
    arguments: [required("provider", "The provider")],
    options: [json],
    examples: ["hearth logout anthropic"],
  },
];
