import type { Capabilities } from "../local/capabilities.ts";
import { type Glyphs, glyphsOf } from "./glyphs.ts";
import type { Highlight } from "./highlight/highlight.ts";

export type RenderExtras = {
  /** From `loadHighlight`; code is plain without it. */
  highlight?: Highlight | undefined;
  /** Everything in full, for the transcript overlay; otherwise long blocks show their gist. */
  isExpanded?: boolean | undefined;
  /** The session's root, so that paths of tool calls become links. */
  root?: string | undefined;
  /** The key that shows a block in full, named where something is left out; "" where there is no such key. */
  moreKey?: string | undefined;
};

/** What every part of the layout needs besides its width. */
export type Layout = {
  capabilities: Capabilities;
  glyphs: Glyphs;
  highlight: Highlight | undefined;
  isExpanded: boolean;
  root: string | undefined;
  moreKey: string;
};

export const layoutFor = (capabilities: Capabilities, extras: RenderExtras = {}): Layout => ({
  capabilities,
  glyphs: glyphsOf(capabilities),
  highlight: extras.highlight,
  isExpanded: extras.isExpanded ?? false,
  root: extras.root,
  moreKey: extras.moreKey ?? "ctrl+o",
});

/** Where something is left out, how much, and the key that shows it. */
export const moreText = (what: string, { glyphs, moreKey }: Layout): string =>
  `${glyphs.ellipsis} ${what}${moreKey === "" ? "" : `${glyphs.separator}${moreKey}`}`;
