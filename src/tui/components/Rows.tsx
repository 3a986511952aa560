import { Text } from "ink";

/** Rows that are laid out and painted already, one below the other. An empty one still takes its row. */
export function Rows({ rows }: { rows: readonly string[] }) {
  return rows.map((row, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
    <Text key={index} wrap="truncate-end">
      {row === "" ? " " : row}
    </Text>
  ));
}
