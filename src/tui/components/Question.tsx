import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** What an agent asks before it acts, and the answers. */
export function Question({ view }: { view: Store<AppView> }) {
  return <Rows lines={useSelect(view, ({ live }) => live.question)} />;
}
