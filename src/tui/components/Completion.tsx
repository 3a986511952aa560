import { Box } from "ink";
import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { COMPLETION_GAP, COMPLETION_GUTTER } from "../view/completion.ts";
import { Styled } from "./Styled.tsx";
import { useSelect } from "./use-select.ts";

/** The list above the prompt: files, commands, or a hint about the arguments. */
export function Completion({ view }: { view: Store<AppView> }) {
  const completion = useSelect(view, ({ live }) => live.completion);
  if (completion === undefined) return null;
  const { rows, nameWidth, mark, foot } = completion;
  return (
    <>
      {rows.map(({ name, help, isMarked }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
        <Box key={index}>
          <Box width={COMPLETION_GUTTER} paddingLeft={2} flexShrink={0}>
            {isMarked && <Styled style="accent">{mark}</Styled>}
          </Box>
          <Box minWidth={nameWidth} marginRight={COMPLETION_GAP} flexShrink={0}>
            <Styled style={isMarked ? "selection" : "text"}>{name}</Styled>
          </Box>
          <Styled style="muted">{help}</Styled>
        </Box>
      ))}
      {foot !== undefined && (
        <Box paddingLeft={COMPLETION_GUTTER}>
          <Styled style="muted">{foot}</Styled>
        </Box>
      )}
    </>
  );
}
