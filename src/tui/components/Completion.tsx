import type { Store } from "../store.ts";
import type { AppView } from "../view/app-view.ts";
import { Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** The list above the prompt: files, commands, or what goes on behind what is typed. */
export function Completion({ view }: { view: Store<AppView> }) {
  return <Rows lines={useSelect(view, ({ live }) => live.completion)} />;
}
