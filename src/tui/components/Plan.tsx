import type { Store } from "../store.ts";
import type { AppView } from "../view/app-view.ts";
import { Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** Where the agent stands in its own list. */
export function Plan({ view }: { view: Store<AppView> }) {
  return <Rows lines={useSelect(view, ({ live }) => live.plan)} />;
}
