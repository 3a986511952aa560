import { HearthError } from "../../../protocol/errors.ts";
import type { PermissionMode } from "../../../protocol/permission.ts";
import type { SessionContext, Turn } from "../../backend.ts";
import type { Launch } from "../../registry/resolve-agent.ts";
import type { AcpConnection } from "../connection/connection.ts";
import { requestFailure } from "../failure.ts";
import { modeToSet } from "../quirks.ts";
import { at, textOf, type Wire } from "../wire.ts";
import { type AgentOptions, applyUpdate, noOptions } from "./agent-options.ts";
import type { createMeter } from "./meter.ts";
import { contextOfUpdate } from "./usage.ts";

const SETTING_TIMEOUT_MS = 60_000;
const MODELS_NAMED_MAX = 10;

type SessionOptionsDeps = {
  agent: string;
  connection: AcpConnection;
  /** The agent's mode for each of hearth's modes; null if unknown. */
  agentModes: Launch["modes"];
  isKnownAgent: boolean;
  onEvent: SessionContext["onEvent"];
};

/** The options of an agent's session and their current values. Every change is reported. */
export function createSessionOptions({
  agent,
  connection,
  agentModes,
  isKnownAgent,
  onEvent,
}: SessionOptionsDeps) {
  let options: AgentOptions = noOptions;
  /** The agent's own default; null if it was never seen. */
  let defaultModel: string | null = null;
  let hasChosenModel = false;
  /** The mode to return to; null while no other was chosen. */
  let defaultMode: string | null = null;

  function change(next: AgentOptions) {
    const before = options;
    options = next;
    if (next.commands !== before.commands) onEvent({ type: "commands", commands: next.commands });
    if (next.modes !== before.modes || next.mode !== before.mode)
      onEvent({ type: "modes", modes: next.modes, current: next.mode });
    if (next.models !== before.models || next.model !== before.model)
      onEvent({ type: "models", models: next.models, current: defaultModel });
  }

  async function set(method: string, params: unknown, what: string): Promise<unknown> {
    try {
      return await connection.request(method, params, SETTING_TIMEOUT_MS);
    } catch (error) {
      const failure = requestFailure(error);
      if (failure === undefined) throw error;
      const models = options.models.map(({ id }) => id).slice(0, MODELS_NAMED_MAX);
      const offered =
        method !== "session/set_mode" && models.length > 0 ? ` It has ${models.join(", ")}.` : "";
      throw new HearthError(
        "model_unavailable",
        `${agent} does not take ${what}: ${failure.text}.${offered}`,
        {
          cause: error,
        },
      );
    }
  }

  async function setMode(sessionId: string, mode: PermissionMode, chosen: string | null): Promise<void> {
    const modes = options.modes.map(({ id }) => id);
    const asking = modeToSet(agentModes[mode] ?? defaultMode, isKnownAgent, modes, options.mode);
    if (chosen !== null) defaultMode ??= asking ?? options.mode;
    const modeId = chosen ?? asking;
    if (modeId === undefined || modeId === options.mode) return;
    await set("session/set_mode", { sessionId, modeId }, `its mode ${modeId}`);
    change({ ...options, mode: modeId });
  }

  async function setModel(sessionId: string, model: string): Promise<void> {
    if (model === options.model) return;
    const { modelOption: configId } = options;
    const answer =
      configId === null
        ? await set("session/set_model", { sessionId, modelId: model }, `the model ${model}`)
        : await set("session/set_config_option", { sessionId, configId, value: model }, `the model ${model}`);
    const configOptions = at(answer, "configOptions");
    const next = Array.isArray(configOptions)
      ? applyUpdate(options, { sessionUpdate: "config_option_update", configOptions })
      : options;
    change({ ...next, model });
  }

  return {
    get current() {
      return options;
    },
    /** A conversation was started, or resumed with the options chosen for it earlier. */
    open(next: AgentOptions, isNew: boolean) {
      if (isNew) defaultModel = next.model;
      hasChosenModel = !isNew;
      change(next);
    },
    update: (update: Wire) => change(applyUpdate(options, update)),
    /**
     * Sets the agent's mode for hearth's mode, or the agent mode that a person chose, and the model. Throws HearthError
     * model_unavailable.
     */
    async apply(
      sessionId: string,
      model: string | null,
      { mode, agent_mode }: Pick<Turn, "mode" | "agent_mode">,
    ): Promise<void> {
      await setMode(sessionId, mode, agent_mode);
      // Without a model the agent returns to its default.
      const wanted = model ?? (hasChosenModel ? defaultModel : null);
      if (wanted !== null) await setModel(sessionId, wanted);
      hasChosenModel = model !== null;
    },
  };
}

type SessionUpdateTargets = {
  options: Pick<ReturnType<typeof createSessionOptions>, "update">;
  meter: Pick<ReturnType<typeof createMeter>, "update">;
  onEvent: SessionContext["onEvent"];
};

/** Applies an update about the session itself, which may come without a turn. false for updates about its work. */
export function applySessionUpdate(update: Wire, { options, meter, onEvent }: SessionUpdateTargets): boolean {
  switch (update["sessionUpdate"]) {
    case "available_commands_update":
    case "current_mode_update":
    case "config_option_update":
      options.update(update);
      return true;
    case "session_info_update": {
      const title = textOf(update["title"])?.trim();
      if (title) onEvent({ type: "title", title });
      return true;
    }
    case "usage_update": {
      meter.update(update);
      const context = contextOfUpdate(update);
      if (context) onEvent({ type: "context", ...context, model: null });
      return true;
    }
    default:
      return false;
  }
}
