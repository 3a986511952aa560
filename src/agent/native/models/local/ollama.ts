import { get } from "node:http";

/**
 * A local server that takes longer counts as absent. One that OLLAMA_HOST names may be on a busy machine, or across the
 * room.
 */
const answerMsMax = { unnamed: 150, named: 2_000 };
const REMEMBER_MS = 15_000;
const BODY_BYTES_MAX = 1_000_000;

export const OLLAMA_PORT = 11434;

/** The address in OLLAMA_HOST: host, host:port or a URL. A listen address means this machine. */
export function ollamaUrl(host: string | undefined): string {
  const given = host?.trim() ?? "";
  const withScheme = /^https?:\/\//.test(given) ? given : `http://${given === "" ? "127.0.0.1" : given}`;
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch {
    return `http://127.0.0.1:${OLLAMA_PORT}`; // Ollama itself uses its default then
  }
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  const hasPort = url.port !== "" || /:\d+(\/|$)/.test(given.replace(/^https?:\/\//, ""));
  if (!hasPort && url.protocol === "http:") url.port = String(OLLAMA_PORT);
  return url.origin;
}

function namesIn(body: string): string[] {
  const parsed: unknown = JSON.parse(body);
  if (typeof parsed !== "object" || parsed === null || !("models" in parsed) || !Array.isArray(parsed.models))
    return [];
  return parsed.models
    .map((model: unknown) =>
      typeof model === "object" && model !== null && "name" in model ? model.name : undefined,
    )
    .filter((name): name is string => typeof name === "string")
    .filter((name) => !/embed|bge-|minilm|rerank/i.test(name));
}

/** Models that can use tools come first. */
const preference = /coder|devstral|gpt-oss|qwen[3-9]|glm|kimi|deepseek|mistral|llama[3-9]/i;

function ask(url: string, answerMs: number): Promise<string[] | undefined> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(answerMs);
    const request = get(`${url}/api/tags`, { agent: false, signal }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.length > BODY_BYTES_MAX) request.destroy();
      });
      response.on("end", () => {
        try {
          const names = namesIn(body);
          resolve([
            ...names.filter((name) => preference.test(name)),
            ...names.filter((name) => !preference.test(name)),
          ]);
        } catch {
          resolve(undefined); // another program listens on that port
        }
      });
    });
    request.on("close", () => resolve(undefined));
    request.on("error", () => resolve(undefined));
  });
}

/**
 * The models of a local Ollama; undefined if none answers. Cached for a while, including no answer. `isNamed`: by
 * OLLAMA_HOST, so that it is given more time.
 */
export function createOllamaProbe(now: () => number, { unnamed, named } = answerMsMax) {
  const asked = new Map<string, { at: number; models: Promise<string[] | undefined> }>();
  return (url: string, isNamed: boolean): Promise<string[] | undefined> => {
    if (!url.startsWith("http://")) return Promise.resolve(undefined); // a remote one is only asked when used
    const known = asked.get(url);
    if (known && now() - known.at < REMEMBER_MS) return known.models;
    const models = ask(url, isNamed ? named : unnamed);
    asked.set(url, { at: now(), models });
    return models;
  };
}
export type OllamaProbe = ReturnType<typeof createOllamaProbe>;
