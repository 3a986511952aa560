// What providers demand of requests with searches that they have made themselves.
type Loose = { [field: string]: unknown };
const record = (value: unknown): Loose =>
  typeof value === "object" && value !== null ? (value as Loose) : {};
const list = (value: unknown): Loose[] => (Array.isArray(value) ? value.map(record) : []);

/** Whether an answer is sent back to be gone on with: the only request that may end with one. */
export const endsPaused = (body: Loose): boolean => {
  const last = list(body["messages"]).at(-1);
  return (
    last?.["role"] === "assistant" && list(last["content"]).some(({ type }) => type === "server_tool_use")
  );
};

/** Anthropic: a search is followed by its result in the same message, under the id that Anthropic gave it. */
export function searchFaults(body: Loose): string[] {
  const faults: string[] = [];
  const isOffered = list(body["tools"]).some(({ name }) => name === "web_search");
  const messages = list(body["messages"]);
  const found = new Set<unknown>();
  for (const [at, { role, content }] of messages.entries()) {
    const blocks = list(content);
    for (const [place, block] of blocks.entries()) {
      const { type, id } = block;
      if (type === "text" && "citations" in block) {
        const indexes = list(block["citations"]).map((citation) => citation["encrypted_index"]);
        if (indexes.length === 0 || !indexes.every((index) => found.has(index)))
          faults.push(`${at}: a citation of what no search has found`);
      }
      if (type === "web_search_tool_result") {
        const before = blocks[place - 1] ?? {};
        if (before["type"] !== "server_tool_use" || before["id"] !== block["tool_use_id"])
          faults.push(`${at}: a result of no search`);
        for (const result of list(block["content"])) {
          if (typeof result["encrypted_content"] !== "string" || result["encrypted_content"] === "")
            faults.push(`${at}: a result without its encrypted content`);
          found.add(result["encrypted_content"]);
        }
      }
      if (type !== "server_tool_use") continue;
      const isLast = at === messages.length - 1 && place === blocks.length - 1;
      if (role !== "assistant" || block["name"] !== "web_search")
        faults.push(`${at}: an unknown server tool`);
      if (!isOffered) faults.push(`${at}: the tool web_search is not offered`);
      if (!/^srvtoolu_[a-zA-Z0-9]+$/.test(String(id))) faults.push(`${at}: the id ${String(id)}`);
      if (typeof record(block["input"])["query"] !== "string") faults.push(`${at}: a search for nothing`);
      if (!isLast && blocks[place + 1]?.["type"] !== "web_search_tool_result")
        faults.push(`${at}: ${String(id)} without its result`);
    }
  }
  return faults;
}

/** OpenAI: a search is an item by itself, right after the reasoning that asked for it. */
export function searchItemFaults(body: Loose): string[] {
  const input = list(body["input"]);
  return input.flatMap((item, at) => {
    if (item["type"] !== "web_search_call") return [];
    const faults: string[] = [];
    if (!String(item["id"]).startsWith("ws_")) faults.push(`${at}: the id ${String(item["id"])}`);
    if (item["status"] !== "completed") faults.push(`${at}: a search that is not over`);
    if (typeof record(item["action"])["type"] !== "string") faults.push(`${at}: a search without its action`);
    if (!["reasoning", "web_search_call"].includes(String(input[at - 1]?.["type"])))
      faults.push(`${at}: a web_search_call without its required reasoning item`);
    return faults;
  });
}

/** Gemini: a search and its result, each with its own signature, and the flag that allows them beside functions. */
export function searchPartFaults(body: Loose): string[] {
  const isAllowed = record(body["toolConfig"])["includeServerSideToolInvocations"] === true;
  const tools = list(body["tools"]);
  const isOffered = tools.some((tool) => "googleSearch" in tool);
  const faults: string[] = [];
  if (isOffered && tools.some((tool) => "functionDeclarations" in tool) && !isAllowed)
    faults.push("built-in tools and function calling cannot be combined in the same request");
  for (const [at, { role, parts }] of list(body["contents"]).entries()) {
    const all = list(parts);
    for (const [place, part] of all.entries()) {
      if (!("toolCall" in part)) {
        if ("toolResponse" in part && !("toolCall" in (all[place - 1] ?? {})))
          faults.push(`${at}: a tool response to nothing`);
        continue;
      }
      const [call, next] = [record(part["toolCall"]), all[place + 1] ?? {}];
      const response = record(next["toolResponse"]);
      if (role !== "model" || !isOffered) faults.push(`${at}: a tool call that is not possible`);
      if (call["id"] !== response["id"] || call["toolType"] !== response["toolType"])
        faults.push(`${at}: a tool call without its response`);
      if (typeof part["thoughtSignature"] !== "string" || typeof next["thoughtSignature"] !== "string")
        faults.push(`${at}: a tool call without its thought_signature`);
    }
  }
  return faults;
}
