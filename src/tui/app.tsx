import { Box } from "ink";
import { memo } from "react";
import { Rows } from "./components/Rows.tsx";
import { type Store, useSelect } from "./store.ts";
import type { AppView } from "./view/app-view.ts";
import { liveParts } from "./view/live.ts";

type Part = (typeof liveParts)[number];

/** Everything below the scrollback, or the overlay over it. */
export function App({ view }: { view: Store<AppView> }) {
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
