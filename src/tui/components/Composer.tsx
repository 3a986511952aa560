import type { Store } from "../store.ts";
import type { AppView } from "../view/app-view.ts";
import { Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** The prompt as it is written, or the search that takes its place. */
export function Composer({ view }: { view: Store<AppView> }) {
  return <Rows lines={useSelect(view, ({ live }) => live.composer)} />;
}
