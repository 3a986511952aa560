import type { AgentCommand, AgentMode, AgentModel } from "../../../protocol/agent.ts";
import { at, isWire, numberOf, textOf, type Wire, wireOf, wiresOf } from "../wire.ts";

/** What a session of an agent lets a person choose from. */
export type AgentOptions = {
  modes: AgentMode[];
  mode: string | null;
  models: AgentModel[];
  model: string | null;
  commands: AgentCommand[];
  /** The configuration option that chooses the model; null where only the older `session/set_model` does. */
  modelOption: string | null;
};

export const noOptions: AgentOptions = {
  modes: [],
  mode: null,
  models: [],
  model: null,
  commands: [],
  modelOption: null,
};

const LIST_MAX = 500;
const DESCRIPTION_CHARS_MAX = 300;

/** Merges the response to session/new, session/load or session/resume into the options known so far. */
export function optionsFrom(before: AgentOptions, response: unknown): AgentOptions {
  const options = at(response, "configOptions");
  const configured = Array.isArray(options) ? fromOptions(before, wiresOf(options)) : before;
  const { modes, models } = wireOf(response);
  const named = isWire(modes)
    ? {
        modes: wiresOf(modes["availableModes"]).slice(0, LIST_MAX).flatMap(modeOf),
        mode: textOf(modes["currentModeId"]) ?? configured.mode,
      }
    : {};
  const listed =
    isWire(models) && configured.models.length === 0
      ? {
          models: wiresOf(models["availableModels"]).slice(0, LIST_MAX).flatMap(modelOf),
          model: textOf(models["currentModelId"]) ?? configured.model,
        }
      : {};
  return { ...configured, ...named, ...listed };
}

/** Merges a session update. Returns the same object when the update changes nothing. */
export function applyUpdate(before: AgentOptions, update: Wire): AgentOptions {
  switch (update["sessionUpdate"]) {
    case "available_commands_update": {
      const commands = wiresOf(update["availableCommands"]).slice(0, LIST_MAX).flatMap(commandOf);
      return { ...before, commands };
    }
    case "current_mode_update": {
      const mode = textOf(update["currentModeId"]);
      return mode === undefined ? before : { ...before, mode };
    }
    case "config_option_update":
      return fromOptions(before, wiresOf(update["configOptions"]));
    default:
      return before;
  }
}

function fromOptions(before: AgentOptions, options: readonly Wire[]): AgentOptions {
  const model = options.find((option) => option["category"] === "model");
  const mode = options.find((option) => option["category"] === "mode");
  const values = (option: Wire) => flatOptions(option["options"]).slice(0, LIST_MAX);
  return {
    ...before,
    ...(model && {
      modelOption: textOf(model["id"]) ?? null,
      model: textOf(model["currentValue"]) ?? null,
      models: values(model).flatMap((value) => modelOf({ ...value, modelId: value["value"] })),
    }),
    ...(mode && {
      mode: textOf(mode["currentValue"]) ?? before.mode,
      modes: values(mode).flatMap((value) => modeOf({ ...value, id: value["value"] })),
    }),
  };
}

/** Options come as a flat list, or as a list of groups. */
const flatOptions = (options: unknown): Wire[] =>
  wiresOf(options).flatMap((option) =>
    Array.isArray(option["options"]) ? wiresOf(option["options"]) : [option],
  );

function modeOf({ id, name }: Wire): AgentMode[] {
  const known = textOf(id);
  return known === undefined ? [] : [{ id: known, name: textOf(name) ?? known }];
}

function modelOf(model: Wire): AgentModel[] {
  const id = textOf(model["modelId"]);
  if (id === undefined) return [];
  const window = numberOf(at(model, "_meta", "contextLimit"));
  return [
    {
      id,
      name: textOf(model["name"]) ?? id,
      context_window: window === undefined ? null : Math.round(window),
    },
  ];
}

function commandOf({ name, description }: Wire): AgentCommand[] {
  const known = textOf(name);
  if (known === undefined) return [];
  return [{ name: known, description: (textOf(description) ?? "").slice(0, DESCRIPTION_CHARS_MAX) }];
}
