import { Box } from "ink";
import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { COMPOSER_GUTTER } from "../view/composer.ts";
import { Row } from "./Row.tsx";
import { Styled } from "./Styled.tsx";
import { useSelect } from "./use-select.ts";

/** The prompt that is being written, or the history search in its place. */
export function Composer({ view }: { view: Store<AppView> }) {
  const rows = useSelect(view, ({ live }) => live.composer);
  return rows.map(({ gutter, text }, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
    <Box key={index}>
      {gutter !== undefined && (
        <Box width={COMPOSER_GUTTER} flexShrink={0}>
          <Styled style={gutter.style}>{gutter.text}</Styled>
        </Box>
      )}
      <Row line={text} />
    </Box>
  ));
}
