import { z } from "zod";

/** A server's tool, with the fields that were valid. */
export type McpTool = {
  name: string;
  title: string | undefined;
  description: string;
  schema: unknown;
  /** The server declares it read-only. */
  isReadOnly: boolean;
};

export type McpPrompt = {
  name: string;
  description: string;
  arguments: readonly { name: string; isRequired: boolean }[];
};

export type McpResource = { uri: string; name: string; description: string };

/** Resources by a pattern of their URI (RFC 6570): `file:///{path}`. */
export type McpTemplate = { template: string; name: string };

/** What a server offers. Malformed entries are left out, one by one. */
export type McpOffers = {
  tools: readonly McpTool[];
  prompts: readonly McpPrompt[];
  resources: readonly McpResource[];
  templates: readonly McpTemplate[];
  /** It completes the variables of templates. */
  canComplete: boolean;
  /** The number of malformed entries. */
  brokenCount: number;
};

const Tool = z.looseObject({
  name: z.string().min(1).max(500),
  title: z.string().optional().catch(undefined),
  description: z.string().optional().catch(undefined),
  inputSchema: z.unknown().optional(),
  annotations: z.looseObject({ readOnlyHint: z.boolean().optional() }).optional().catch(undefined),
});
const Prompt = z.looseObject({
  name: z.string().min(1).max(500),
  description: z.string().optional().catch(undefined),
  arguments: z
    .array(z.looseObject({ name: z.string(), required: z.boolean().optional().catch(undefined) }))
    .optional()
    .catch(undefined),
});
const Resource = z.looseObject({
  uri: z.string().min(1).max(4_000),
  name: z.string().optional().catch(undefined),
  description: z.string().optional().catch(undefined),
});

const Template = z.looseObject({
  uriTemplate: z.string().min(1).max(4_000),
  name: z.string().optional().catch(undefined),
});

type Read<T> = { entries: T[]; broken: number };

function readEntries<S, T>(given: readonly unknown[], schema: z.ZodType<S>, make: (entry: S) => T): Read<T> {
  const entries: T[] = [];
  let broken = 0;
  for (const entry of given) {
    const { data, success } = schema.safeParse(entry);
    if (success) entries.push(make(data));
    else broken += 1;
  }
  return { entries, broken };
}

/** Pure. Of several entries with the same name the first one is used. */
export function readOffers(given: {
  tools: readonly unknown[];
  prompts: readonly unknown[];
  resources: readonly unknown[];
  templates: readonly unknown[];
  canComplete: boolean;
}): McpOffers {
  const tools = readEntries(
    given.tools,
    Tool,
    (tool): McpTool => ({
      name: tool.name,
      title: tool.title,
      description: tool.description ?? "",
      schema: tool.inputSchema,
      isReadOnly: tool.annotations?.readOnlyHint === true,
    }),
  );
  const prompts = readEntries(
    given.prompts,
    Prompt,
    (prompt): McpPrompt => ({
      name: prompt.name,
      description: prompt.description ?? "",
      arguments: (prompt.arguments ?? []).map(({ name, required }) => ({
        name,
        isRequired: required === true,
      })),
    }),
  );
  const resources = readEntries(
    given.resources,
    Resource,
    ({ uri, name, description }): McpResource => ({
      ...{ uri, name: name ?? uri, description: description ?? "" },
    }),
  );
  const templates = readEntries(
    given.templates,
    Template,
    ({ uriTemplate, name }): McpTemplate => ({ template: uriTemplate, name: name ?? uriTemplate }),
  );
  const names = new Set<string>();
  const isNew = ({ name }: McpTool) => !names.has(name) && names.add(name) !== undefined;
  return {
    tools: tools.entries.filter(isNew),
    prompts: prompts.entries,
    resources: resources.entries,
    templates: templates.entries,
    canComplete: given.canComplete,
    brokenCount: tools.broken + prompts.broken + resources.broken + templates.broken,
  };
}
