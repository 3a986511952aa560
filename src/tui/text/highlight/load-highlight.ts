import type { Highlight } from "./highlight.ts";

/** Loads the grammars, once, after the first frame. */
export async function loadHighlight(): Promise<Highlight> {
  const { createHighlight } = await import("./grammars.ts");
  return createHighlight();
}
