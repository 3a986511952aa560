/**
 * The environment variables of each known provider: its keys (the first one set counts) and the address that its own
 * tools read. Everything that sends, keeps or reads them uses this table.
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

/**
 * A provider's key and address must come from the same environment, or a key could be sent to somebody else's address.
 */
const providerOf: ReadonlyMap<string, string> = new Map(
  Object.entries(providerVariables).flatMap(([provider, { keys, address }]) =>
    [...keys, address].map((name) => [name, provider] as const),
  ),
);

export const isProviderVariable = (name: string): boolean => providerOf.has(name);

type Variables = Readonly<Record<string, string>>;

/** `over`, plus the variables in `under` of providers that `over` does not mention. */
export function overlayProviders(under: Variables, over: Variables): Record<string, string> {
  const groupOf = (name: string) => providerOf.get(name) ?? name;
  const said = new Set(Object.keys(over).map(groupOf));
  const kept = Object.entries(under).filter(([name]) => !said.has(groupOf(name)));
  return { ...Object.fromEntries(kept), ...over };
}
