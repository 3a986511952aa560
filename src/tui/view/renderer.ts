import type { Permission } from "../../protocol/permission.ts";
import type { Capabilities } from "../local/capabilities.ts";
import { type Painter, painterOf } from "../text/ansi.ts";
import type { Block } from "../text/blocks/block.ts";
import {
  type PermissionLines,
  type PermissionView,
  permissionLines,
} from "../text/blocks/permission-view.ts";
import { linesOfBlocks } from "../text/blocks/render-block.ts";
import { type Glyphs, glyphsOf } from "../text/glyphs.ts";
import { layoutFor, type RenderExtras } from "../text/layout.ts";
import { type Line, truncateLine } from "../text/line.ts";
import { createLooks, type Looks } from "../text/looks.ts";
import type { Theme } from "../theme.ts";

/** Lays out blocks and questions, and paints lines, for the theme and the capabilities of this terminal. */
export type Renderer = {
  readonly glyphs: Glyphs;
  readonly capabilities: Capabilities;
  /** The looks of the present theme. */
  readonly looks: Looks;
  paint: Painter;
  /** Cuts a line to `columns`. */
  fit(line: Line, columns: number): Line;
  blocks(
    blocks: readonly Block[],
    columns: number,
    previous: Block | undefined,
    isExpanded?: boolean,
  ): Line[];
  permission(permission: Permission, view: PermissionView, columns: number): PermissionLines;
  /** Affects what is drawn from now on; the scrollback keeps its colours. */
  setTheme(theme: Theme): void;
};

export function createRenderer(options: {
  theme: Theme;
  capabilities: Capabilities;
  /** Values that are known later: the session's root, the loaded highlighter. */
  extras: () => RenderExtras;
  /** Called when code is drawn for the first time. */
  onCode: () => void;
}): Renderer {
  const { capabilities, extras, onCode } = options;
  let hasSeenCode = false;
  const glyphs = glyphsOf(capabilities);
  let looks = createLooks(options.theme, capabilities);
  let paint = painterOf(looks);
  return {
    glyphs,
    capabilities,
    get looks() {
      return looks;
    },
    setTheme(theme) {
      looks = createLooks(theme, capabilities);
      paint = painterOf(looks);
    },
    paint: (line) => paint(line),
    fit: (line, columns) => truncateLine(line, columns, glyphs.ellipsis),
    blocks(blocks, columns, previous, isExpanded = false) {
      if (!hasSeenCode && blocks.some(({ type }) => type === "code")) {
        hasSeenCode = true;
        onCode();
      }
      return linesOfBlocks(blocks, columns, layoutFor(capabilities, { ...extras(), isExpanded }), previous);
    },
    permission: (permission, view, columns) =>
      permissionLines(permission, view, columns, layoutFor(capabilities, extras())),
  };
}
