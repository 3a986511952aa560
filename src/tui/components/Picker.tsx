import { Box, Spacer } from "ink";
import { type ListRow, type ListView, MARK_COLUMNS } from "../view/overlay.ts";
import { Row, Rows } from "./Row.tsx";
import { Styled } from "./Styled.tsx";

/** A list that fills the window, with a filter at the bottom. */
export function Picker({ list }: { list: ListView }) {
  return (
    <Box flexDirection="column" minHeight={list.rows}>
      <Row line={list.title} />
      <Rows lines={list.hints} />
      <Box flexDirection="column" marginTop={1}>
        {list.shown.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
          <PickerRow key={index} row={row} />
        ))}
      </Box>
      <Spacer />
      <Rows lines={list.note} />
      <Row line={list.foot} />
    </Box>
  );
}

function PickerRow({ row: { mark, line, facts } }: { row: ListRow }) {
  return (
    <Box paddingRight={facts === "" ? 0 : 1}>
      <Box width={MARK_COLUMNS} paddingLeft={1} flexShrink={0}>
        <Styled style="accent">{mark}</Styled>
      </Box>
      <Row line={line} />
      {facts !== "" && (
        <>
          <Spacer />
          <Styled style="muted">{facts}</Styled>
        </>
      )}
    </Box>
  );
}
