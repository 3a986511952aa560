import type { BackendEvent } from "../backend.ts";
import type { ModelChunk } from "./models/model.ts";
import { SEARCH_TOOL, sourcesText } from "./models/searches.ts";

/** The title while nobody has said what is searched for. */
const SOMETHING = "the web";

/** Some providers name the sources at the end of the answer. */
const viewOf = ({ length: count }: Ended["sources"]) =>
  count === 0 ? {} : { view: { kind: "matches", count, truncated: false } as const };

type Ended = Extract<ModelChunk, { type: "search_ended" }>;

/** Shows searches that the provider makes by itself like calls of tools. */
export function createShownSearches(
  emit: (...events: BackendEvent[]) => void,
  claimId: (id: string) => string,
) {
  const open = new Map<string, { id: string; query: string }>();

  function begin(id: string, query: string) {
    const own = { id: claimId(id), query };
    open.set(id, own);
    emit({
      ...{ type: "tool_call", tool_call_id: own.id, name: SEARCH_TOOL, kind: "search" },
      ...{ title: query || SOMETHING, input: { query }, status: "running", provider_run: true },
    });
    return own;
  }

  return {
    begin,
    end({ id, query: told, sources, failure, record }: Ended) {
      const own = open.get(id) ?? begin(id, "");
      open.delete(id);
      const query = told || own.query;
      emit({
        ...{ type: "tool_call_updated", tool_call_id: own.id, title: query || SOMETHING, input: { query } },
        provider: { ...record },
        ...(failure === undefined
          ? { status: "completed", output: sourcesText(sources), ...viewOf(sources) }
          : { status: "failed", output: failure }),
      });
    },
    /** Those that have not ended, by hearth's ids. */
    open: (): string[] => [...open.values()].map(({ id }) => id),
  };
}
