import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** An error, a warning, or a hint about a key. */
export function Notice({ view }: { view: Store<AppView> }) {
  return <Rows lines={useSelect(view, ({ live }) => live.notice)} />;
}
