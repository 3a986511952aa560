import { Text } from "ink";
import { type ReactNode, use } from "react";
import type { Style } from "../text/line.ts";
import { LooksContext } from "./LooksContext.ts";

/** Text in the look of a style. */
export function Styled({ style, children }: { style: Style; children: ReactNode }) {
  return (
    <Text wrap="truncate-end" {...use(LooksContext).of(style)}>
      {children}
    </Text>
  );
}
