import { createTextStream } from "../text/open-text.ts";
import type { Renderer } from "./renderer.ts";

const SAMPLE =
  "Some **words** with `code` in them,\nand a second line.\n\n- one item\n- another\n\n1. a number\n\nAn end.";

/**
 * Lays a short answer out for nobody: code that has run once is fast, and the first word of the first answer should
 * not be the one that pays. For a moment in which nothing happens; a key that comes meanwhile is not kept waiting.
 */
export async function warmUp(renderer: Renderer, columns: number): Promise<void> {
  const stream = createTextStream();
  for (const word of SAMPLE.split(" ")) {
    const closed = stream.push(`${word} `);
    const open = stream.open();
    const pieces = open === undefined ? closed : [...closed, open];
    const blocks = pieces.map((piece, index) => ({
      id: `local/warm/${index}`,
      isFirst: index === 0,
      isOpen: true,
      ...piece,
    }));
    renderer.blocks(blocks, columns, undefined);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
