import type { ProviderType } from "../../../protocol/config.ts";
import { isPrivateAddress } from "./network/private-address.ts";
import type { EffortField } from "./request/effort.ts";

/**
 * How providers and model families differ in what they accept. All such differences are data here; no other code checks
 * a provider's name.
 */
export type Traits = {
  /** Where earlier reasoning is sent: the package's signed blocks, a field of a chat message, or nowhere. */
  reasoningField: "signed" | "reasoning_content" | "reasoning_details" | "none";
  /** Whether answers without reasoning are refused: then a placeholder is sent. */
  reasoningRequired: "never" | "always";
  /** A user message may directly follow tool results. Otherwise hearth puts a short answer between. */
  userAfterTool: boolean;
  /** `plain`: up to 64 of A-Z a-z 0-9 _ -. `nine`: exactly nine letters or digits. */
  callIds: "plain" | "nine";
  /** Tool results may contain images. Otherwise they follow in a user message. */
  resultMedia: boolean;
  /** PDFs are accepted as they are. */
  pdf: boolean;
  /** Largest image as base64. */
  imageCharsMax: number;
  /** Longest side of an image; larger ones are scaled down or refused. */
  imageEdgeMax: number;
  /** What is asked to learn whether a key is good. */
  keyPath: string;
  /** In which form it is given its provider's own search of the web. */
  search: "none" | "anthropic" | "openai" | "google" | "openrouter";
  /** How it is told how hard to think. */
  effortField: EffortField;
  /** Fields added to each request's body. */
  body: Readonly<Record<string, unknown>>;
  /** The provider itself, not a gateway: its refusals name what they refuse. */
  isOfficial: boolean;
};

/** Anthropic's limit for one encoded image, the smallest that we know of. */
const IMAGE_CHARS_MAX = 5 * 1024 * 1024;

/** Anthropic's limit if a request has more than twenty images, which a conversation may collect. */
const IMAGE_EDGE_MAX = 2000;

const plain: Traits = {
  reasoningField: "reasoning_content",
  reasoningRequired: "never",
  userAfterTool: true,
  callIds: "plain",
  resultMedia: false,
  pdf: false,
  imageCharsMax: IMAGE_CHARS_MAX,
  imageEdgeMax: IMAGE_EDGE_MAX,
  keyPath: "/models",
  search: "none",
  effortField: "reasoning_effort",
  body: {},
  isOfficial: false,
};

type Row = {
  type?: ProviderType;
  host?: RegExp;
  model?: RegExp;
  /** A server on the user's own machine or network. */
  isOwn?: true;
  traits: Partial<Traits>;
};

const domain = (...names: string[]): RegExp =>
  new RegExp(`(^|\\.)(${names.map((name) => name.replaceAll(".", "\\.")).join("|")})$`);

/** All matching rows apply; later ones override earlier ones. */
const rows: readonly Row[] = [
  // Text next to tool results makes Claude end its turns there (platform.claude.com, "Handle tool calls").
  {
    type: "anthropic",
    traits: { reasoningField: "signed", userAfterTool: false, resultMedia: true, pdf: true },
  },
  { type: "anthropic", host: domain("anthropic.com"), traits: { isOfficial: true } },
  // Gateways pass it on, or refuse it once.
  { type: "anthropic", model: /claude/, traits: { search: "anthropic" } },
  // The package turns each message into a content, and Gemini refuses two user contents in a row.
  {
    type: "google",
    traits: {
      ...{ reasoningField: "signed", userAfterTool: false, resultMedia: true },
      ...{ pdf: true, imageEdgeMax: 3072 },
    },
  },
  // Older ones refuse it beside functions (ai.google.dev/gemini-api/docs/tool-combination).
  { type: "google", model: /gemini-[3-9]/, traits: { search: "google" } },
  { type: "google", host: domain("googleapis.com"), traits: { isOfficial: true } },
  {
    type: "openai",
    traits: { reasoningField: "signed", resultMedia: true, isOfficial: true, imageEdgeMax: 2048 },
  },
  { type: "openai", model: /gpt-[4-9]|^o[1-9]/, traits: { pdf: true, search: "openai" } },
  { type: "openai-compatible", model: /^gpt-[4-9]/, traits: { pdf: true } },

  // Error 400 "The reasoning_content in the thinking mode must be passed back to the API" (api-docs.deepseek.com,
  // platform.moonshot.ai, mimo.xiaomi.com), wherever these models are served. An empty string is refused too.
  {
    type: "openai-compatible",
    model: /deepseek-(v[4-9]|reason)|kimi-k(2\.[5-9]|2-think|[3-9])|kimi-(think|latest)|mimo-v/i,
    traits: { reasoningRequired: "always" },
  },
  {
    type: "openai-compatible",
    host: domain("deepseek.com", "moonshot.ai", "moonshot.cn", "kimi.com", "xiaomimimo.com"),
    traits: { reasoningRequired: "always", isOfficial: true },
  },

  // Error 400 or 422 for the field `reasoning_content`.
  {
    host: domain("groq.com", "cerebras.ai"),
    traits: { reasoningField: "none", reasoningRequired: "never", isOfficial: true },
  },
  // console.groq.com/docs/vision: a request with an image may have at most 4 MB.
  { host: domain("groq.com"), traits: { imageCharsMax: 2_000_000 } },
  // "Unexpected role 'user' after role 'tool'"; "Tool call id … must be a-z, A-Z, 0-9, with a length of 9".
  {
    host: domain("mistral.ai"),
    traits: {
      ...{ reasoningField: "none", reasoningRequired: "never", isOfficial: true },
      ...{ userAfterTool: false, callIds: "nine" },
    },
  },
  // openrouter.ai/docs/use-cases/reasoning-tokens: details must be sent back verbatim. It reads PDFs for every model.
  {
    host: domain("openrouter.ai"),
    traits: {
      ...{ reasoningField: "reasoning_details", reasoningRequired: "never", pdf: true },
      search: "openrouter",
      // Its list of models is public.
      keyPath: "/key",
      effortField: "reasoning",
      body: { reasoning: { enabled: true } },
    },
  },
  // "Gemini models require OpenRouter reasoning details to be preserved in each request", other models' calls too.
  { host: domain("openrouter.ai"), model: /gemini-[3-9]/, traits: { reasoningRequired: "always" } },
  { host: domain("x.ai"), traits: { isOfficial: true } },

  // api-docs.deepseek.com/guides/thinking_mode, docs.z.ai, platform.moonshot.ai: thinking is switched, and graded
  // besides where a model has grades.
  {
    host: domain("deepseek.com", "z.ai", "bigmodel.cn", "moonshot.ai", "moonshot.cn", "kimi.com"),
    traits: { effortField: "thinking" },
  },
  // alibabacloud.com/help/en/model-studio/deep-thinking
  { host: domain("aliyuncs.com"), traits: { effortField: "enable_thinking" } },
  // docs.vllm.ai, "Reasoning outputs"; the same in SGLang and llama.cpp.
  { isOwn: true, model: /qwen-?3|glm-?4|deepseek-v3/i, traits: { effortField: "template" } },
];

const hostOf = (baseUrl: string): string => (URL.canParse(baseUrl) ? new URL(baseUrl).hostname : "");

type Place = { type: ProviderType; baseUrl: string; model: string };

/** The protocol that is spoken: an "openai" provider at another address than OpenAI's speaks chat completions. */
export const wireOf = ({ type, baseUrl }: Place): ProviderType =>
  type === "openai" && !domain("openai.com").test(hostOf(baseUrl)) ? "openai-compatible" : type;

/** What is known in advance about a model at a server. What the server's refusals show is kept elsewhere. */
export function traitsOf(at: Place): Traits {
  const host = hostOf(at.baseUrl);
  const wire = wireOf(at);
  const fitting = rows.filter(
    ({ type, host: hosts, model, isOwn }) =>
      (type === undefined || type === wire) &&
      (hosts === undefined || hosts.test(host)) &&
      (model === undefined || model.test(at.model)) &&
      (isOwn === undefined || (host !== "" && isPrivateAddress(at.baseUrl))),
  );
  return Object.assign({}, plain, ...fitting.map(({ traits }) => traits)) as Traits;
}
