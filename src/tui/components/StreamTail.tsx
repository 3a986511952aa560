import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** The unfinished part of the conversation, which is not in the scrollback yet; its last rows, as many as fit. */
export function StreamTail({ view }: { view: Store<AppView> }) {
  return <Rows lines={useSelect(view, ({ live }) => live.stream)} />;
}
