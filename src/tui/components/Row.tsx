import { Text } from "ink";
import { memo } from "react";
import { type Line, lineText } from "../text/line.ts";
import { Spans } from "./Spans.tsx";

/** One line, not wrapped. An empty line still takes a row. */
export const Row = memo(function Row({ line }: { line: Line }) {
  return <Text wrap="truncate-end">{lineText(line) === "" ? " " : <Spans line={line} />}</Text>;
});

export function Rows({ lines }: { lines: readonly Line[] }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
  return lines.map((line, index) => <Row key={index} line={line} />);
}
