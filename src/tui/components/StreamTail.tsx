import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** The part of the conversation that is not in the scrollback yet: what is being said and done, as far as there is room. */
export function StreamTail({ view }: { view: Store<AppView> }) {
  return <Rows lines={useSelect(view, ({ live }) => live.stream)} />;
}
