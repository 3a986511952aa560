import { HearthError } from "../../protocol/errors.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { SessionContext, Turn } from "../backend.ts";
import type { Launch } from "../registry/resolve-agent.ts";
import { applyUpdate, type Choices, noChoices } from "./choices.ts";
import type { AcpConnection } from "./connection.ts";
import { requestFailure } from "./failure.ts";
import type { createMeter } from "./meter.ts";
import { modeToSet } from "./quirks.ts";
import { contextOfUpdate } from "./usage.ts";
import { at, textOf, type Wire } from "./wire.ts";

const SETTING_TIMEOUT_MS = 60_000;
const MODELS_NAMED_MAX = 10;

type SettingsDeps = {
  agent: string;
  connection: AcpConnection;
  /** The one of its own modes that each of hearth's wants; null where nobody knows. */
  ownModes: Launch["modes"];
  isKnown: boolean;
  onEvent: SessionContext["onEvent"];
};

/** What can be chosen in a session of an agent, and what is: told whenever it changes. */
export function createSettings({ agent, connection, ownModes, isKnown, onEvent }: SettingsDeps) {
  let choices: Choices = noChoices;
  /** The model that it takes by itself; null where it was not there to be seen. */
  let usual: string | null = null;
  let isChosen = false;
  /** The mode that it goes back to; null while nobody has chosen another. */
  let usualMode: string | null = null;

  function change(next: Choices) {
    const before = choices;
    choices = next;
    if (next.commands !== before.commands) onEvent({ type: "commands", commands: next.commands });
    if (next.modes !== before.modes || next.mode !== before.mode)
      onEvent({ type: "modes", modes: next.modes, current: next.mode });
    if (next.models !== before.models || next.model !== before.model)
      onEvent({ type: "models", models: next.models, current: usual });
  }

  async function set(method: string, params: unknown, what: string): Promise<unknown> {
    try {
      return await connection.request(method, params, SETTING_TIMEOUT_MS);
    } catch (error) {
      const failure = requestFailure(error);
      if (failure === undefined) throw error;
      const models = choices.models.map(({ id }) => id).slice(0, MODELS_NAMED_MAX);
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
    const modes = choices.modes.map(({ id }) => id);
    const asking = modeToSet(ownModes[mode] ?? usualMode, isKnown, modes, choices.mode);
    if (chosen !== null) usualMode ??= asking ?? choices.mode;
    const modeId = chosen ?? asking;
    if (modeId === undefined || modeId === choices.mode) return;
    await set("session/set_mode", { sessionId, modeId }, `its mode ${modeId}`);
    change({ ...choices, mode: modeId });
  }

  async function setModel(sessionId: string, model: string): Promise<void> {
    if (model === choices.model) return;
    const { modelOption: configId } = choices;
    const answer =
      configId === null
        ? await set("session/set_model", { sessionId, modelId: model }, `the model ${model}`)
        : await set("session/set_config_option", { sessionId, configId, value: model }, `the model ${model}`);
    const configOptions = at(answer, "configOptions");
    const next = Array.isArray(configOptions)
      ? applyUpdate(choices, { sessionUpdate: "config_option_update", configOptions })
      : choices;
    change({ ...next, model });
  }

  return {
    get choices() {
      return choices;
    },
    /** A conversation has been begun, or taken up again with what was chosen for it. */
    open(next: Choices, isNew: boolean) {
      if (isNew) usual = next.model;
      isChosen = !isNew;
      change(next);
    },
    hear: (update: Wire) => change(applyUpdate(choices, update)),
    /**
     * Puts the agent into the mode that hearth's own wants, unless a person chose another of its modes, and has it use
     * that model. Throws HearthError model_unavailable.
     */
    async apply(
      sessionId: string,
      model: string | null,
      { mode, agent_mode }: Pick<Turn, "mode" | "agent_mode">,
    ): Promise<void> {
      await setMode(sessionId, mode, agent_mode);
      // Without a name it is its own choice again.
      const wanted = model ?? (isChosen ? usual : null);
      if (wanted !== null) await setModel(sessionId, wanted);
      isChosen = model !== null;
    },
  };
}

type SessionEars = {
  settings: Pick<ReturnType<typeof createSettings>, "hear">;
  meter: Pick<ReturnType<typeof createMeter>, "hear">;
  onEvent: SessionContext["onEvent"];
};

/** What an agent says of its session at any time, turn or no turn; false where it says something of its work. */
export function hearOfSession(said: Wire, { settings, meter, onEvent }: SessionEars): boolean {
  switch (said["sessionUpdate"]) {
    case "available_commands_update":
    case "current_mode_update":
    case "config_option_update":
      settings.hear(said);
      return true;
    case "session_info_update": {
      const title = textOf(said["title"])?.trim();
      if (title) onEvent({ type: "title", title });
      return true;
    }
    case "usage_update": {
      meter.hear(said);
      const context = contextOfUpdate(said);
      if (context) onEvent({ type: "context", ...context, model: null });
      return true;
    }
    default:
      return false;
  }
}
