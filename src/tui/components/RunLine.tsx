import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** What is running and how to stop it. */
export function RunLine({ view }: { view: Store<AppView> }) {
  return <Rows lines={useSelect(view, ({ live }) => live.run)} />;
}
