import chalk from "chalk";
import { Box, render } from "ink";
import { Completion } from "./components/Completion.tsx";
import { Composer } from "./components/Composer.tsx";
import { LooksContext } from "./components/LooksContext.ts";
import { Notice } from "./components/Notice.tsx";
import { Picker } from "./components/Picker.tsx";
import { Plan } from "./components/Plan.tsx";
import { Question } from "./components/Question.tsx";
import { Queue } from "./components/Queue.tsx";
import { RunLine } from "./components/RunLine.tsx";
import { StatusLine } from "./components/StatusLine.tsx";
import { StreamTail } from "./components/StreamTail.tsx";
import { Transcript } from "./components/Transcript.tsx";
import { useSelect } from "./components/use-select.ts";
import { createInkInput } from "./screen/ink-output.ts";
import type { Store } from "./store.ts";
import type { AppView } from "./view/app-view.ts";

// How many colours the terminal has is decided in capabilities.ts, so Ink's own colours need not guess it again.
chalk.level = 3;

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

/** Everything below the scrollback, or the overlay in its place. */
function App({ view }: { view: Store<AppView> }) {
  const looks = useSelect(view, (current) => current.looks);
  const overlay = useSelect(view, (current) => current.overlay);
  if (looks === undefined) return null;
  return (
    <LooksContext value={looks}>
      {overlay === undefined ? (
        <Live view={view} />
      ) : overlay.kind === "list" ? (
        <Picker list={overlay} />
      ) : (
        <Transcript transcript={overlay} />
      )}
    </LooksContext>
  );
}

/** The live region, top to bottom. */
function Live({ view }: { view: Store<AppView> }) {
  return (
    <Box flexDirection="column">
      <StreamTail view={view} />
      <Plan view={view} />
      <Question view={view} />
      <RunLine view={view} />
      <Queue view={view} />
      <Completion view={view} />
      <Notice view={view} />
      <Composer view={view} />
      <StatusLine view={view} />
    </Box>
  );
}
