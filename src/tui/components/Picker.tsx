import { Box, Spacer } from "ink";
import type { ListRow, ListView } from "../view/overlay.ts";
import { Row, Rows } from "./Row.tsx";
import { Styled } from "./Styled.tsx";

/** A list over the whole window: what can be picked, and at the bottom what is typed to narrow it. */
export function Picker({ list }: { list: ListView }) {
  return (
    <Box flexDirection="column" minHeight={list.rows}>
      <Row line={list.title} />
      <Rows lines={list.hints} />
      <Box flexDirection="column" marginTop={1}>
        {list.shown.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
          <PickerRow key={index} row={row} width={list.columns - 1} />
        ))}
      </Box>
      <Spacer />
      <Rows lines={list.note} />
      <Row line={list.foot} />
    </Box>
  );
}

function PickerRow({ row: { line, facts }, width }: { row: ListRow; width: number }) {
  if (facts === "") return <Row line={line} />;
  return (
    <Box width={width} justifyContent="space-between">
      <Row line={line} />
      <Styled style="muted">{facts}</Styled>
    </Box>
  );
}
