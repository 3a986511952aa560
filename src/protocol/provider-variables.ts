/**
 * The environment variables of each provider that hearth knows: its keys, of which the first one set counts, and
 * where its own tools look for another address. What carries them, keeps them and reads them goes by this table.
 */
export const providerVariables = {
  anthropic: { keys: ["ANTHROPIC_API_KEY"], address: "ANTHROPIC_BASE_URL" },
  openai: { keys: ["OPENAI_API_KEY"], address: "OPENAI_BASE_URL" },
  google: { keys: ["GEMINI_API_KEY", "GOOGLE_API_KEY"], address: "GOOGLE_GEMINI_BASE_URL" },
  openrouter: { keys: ["OPENROUTER_API_KEY"], address: "OPENROUTER_BASE_URL" },
  deepseek: { keys: ["DEEPSEEK_API_KEY"], address: "DEEPSEEK_BASE_URL" },
  xai: { keys: ["XAI_API_KEY"], address: "XAI_BASE_URL" },
  groq: { keys: ["GROQ_API_KEY"], address: "GROQ_BASE_URL" },
  mistral: { keys: ["MISTRAL_API_KEY"], address: "MISTRAL_BASE_URL" },
  ollama: { keys: ["OLLAMA_API_KEY"], address: "OLLAMA_HOST" },
} as const satisfies Record<string, { keys: readonly string[]; address: string }>;

/** A key goes only where the same person said: of one provider all variables come from one environment. */
const providerOf: ReadonlyMap<string, string> = new Map(
  Object.entries(providerVariables).flatMap(([provider, { keys, address }]) =>
    [...keys, address].map((name) => [name, provider] as const),
  ),
);

export const isProviderVariable = (name: string): boolean => providerOf.has(name);

type Variables = Readonly<Record<string, string>>;

/** `over`, and of `under` the variables of those providers that `over` says nothing of. */
export function overlayProviders(under: Variables, over: Variables): Record<string, string> {
  const groupOf = (name: string) => providerOf.get(name) ?? name;
  const said = new Set(Object.keys(over).map(groupOf));
  const kept = Object.entries(under).filter(([name]) => !said.has(groupOf(name)));
  return { ...Object.fromEntries(kept), ...over };
}
