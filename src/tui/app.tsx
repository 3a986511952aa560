import { Box, render } from "ink";
import { memo, useSyncExternalStore } from "react";
import { Rows } from "./components/Rows.tsx";
import { createInkInput } from "./screen/ink-output.ts";
import type { Store } from "./store.ts";
import type { AppView } from "./view/app-view.ts";
import { liveParts } from "./view/live.ts";

type Part = (typeof liveParts)[number];

/** Has Ink draw what `view` holds, now and whenever it changes. */
export const renderApp = (view: Store<AppView>, stdout: NodeJS.WriteStream): { unmount(): void } =>
  render(<App view={view} />, {
    stdout,
    stdin: createInkInput(),
    debug: true,
    interactive: false,
    exitOnCtrlC: false,
    patchConsole: false,
    isScreenReaderEnabled: false,
  });

/** Everything below the scrollback, or the overlay over it. */
function App({ view }: { view: Store<AppView> }) {
  const kind = useSelect(view, (current) => current.kind);
  return (
    <Box flexDirection="column">{kind === "overlay" ? <Overlay view={view} /> : <Live view={view} />}</Box>
  );
}

function Live({ view }: { view: Store<AppView> }) {
  return liveParts.map((part) => <LivePart key={part} view={view} part={part} />);
}

const noRows: readonly string[] = [];

/** One part draws again only when its own rows have changed. */
const LivePart = memo(function LivePart({ view, part }: { view: Store<AppView>; part: Part }) {
  const rows = useSelect(view, (current) => (current.kind === "live" ? current.live[part] : noRows));
  return <Rows rows={rows} />;
});

function Overlay({ view }: { view: Store<AppView> }) {
  const rows = useSelect(view, (current) => (current.kind === "overlay" ? current.rows : noRows));
  return <Rows rows={rows} />;
}

/** A slice of the state. `select` returns a primitive or a stored object, never a new one. */
const useSelect = <S, T>(store: Store<S>, select: (state: S) => T): T =>
  useSyncExternalStore(store.subscribe, () => select(store.get()));
