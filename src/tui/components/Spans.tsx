import { Text, Transform } from "ink";
import { use } from "react";
import type { Line } from "../text/line.ts";
import { LooksContext } from "./LooksContext.ts";

/** A line of spans inside a `Text`, each in the look of its style. */
export function Spans({ line }: { line: Line }) {
  return use(LooksContext)
    .runs(line)
    .map(({ text, look, href }, index) => {
      // A run has no identity but its place.
      const key = `${index}`;
      if (href === undefined) {
        return (
          <Text key={key} {...look}>
            {text}
          </Text>
        );
      }
      return (
        <Transform key={key} transform={(shown) => `\x1b]8;;${href}\x07${shown}\x1b]8;;\x07`}>
          <Text {...look}>{text}</Text>
        </Transform>
      );
    });
}
