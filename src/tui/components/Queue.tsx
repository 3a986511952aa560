import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** The queued prompts. */
export function Queue({ view }: { view: Store<AppView> }) {
  return <Rows lines={useSelect(view, ({ live }) => live.queue)} />;
}
