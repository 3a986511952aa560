import type { Capabilities } from "../local/capabilities.ts";
import { type Glyphs, glyphsOf } from "./glyphs.ts";
import type { Highlight } from "./highlight/highlight.ts";

export type RenderExtras = {
  /** From `loadHighlight`; without it code is plain. */
  highlight?: Highlight | undefined;
  /** Shows everything in full, for the transcript overlay; otherwise long blocks are shortened. */
  isExpanded?: boolean | undefined;
  /** The session's root folder, to make paths of tool calls links. */
  root?: string | undefined;
  /** The name of the key that shows everything in full, for hints; "" if there is none. */
  moreKey?: string | undefined;
};

/** What every layout function needs besides the width. */
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

/** The hint in place of something left out: how much, and the key that shows it. */
export const moreText = (what: string, { glyphs, moreKey }: Layout): string =>
  `${glyphs.ellipsis} ${what}${moreKey === "" ? "" : `${glyphs.separator}${moreKey}`}`;
