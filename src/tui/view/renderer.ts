import type { Permission } from "../../protocol/permission.ts";
import type { Capabilities } from "../capabilities.ts";
import { createPainter, type Painter } from "../text/ansi.ts";
import type { Block } from "../text/block.ts";
import { type Glyphs, glyphsOf } from "../text/glyphs.ts";
import type { RenderExtras } from "../text/layout.ts";
import { type Line, truncateLine } from "../text/line.ts";
import { type PermissionView, type RenderedPermission, renderPermission } from "../text/permission-view.ts";
import { renderBlocks } from "../text/render-block.ts";
import { renderStatusLine, type Status, statusFields } from "../text/status-line.ts";
import type { Theme } from "../theme.ts";

/** Text to rows, with the theme and the terminal's abilities settled. */
export type Renderer = {
  readonly glyphs: Glyphs;
  readonly capabilities: Capabilities;
  paint: Painter;
  /** One row of at most `columns`. */
  fit(line: Line, columns: number): string;
  blocks(
    blocks: readonly Block[],
    columns: number,
    previous: Block | undefined,
    isExpanded?: boolean,
  ): string[];
  permission(permission: Permission, view: PermissionView, columns: number): RenderedPermission;
  status(status: Status, columns: number): string;
  readonly theme: Theme;
  /** Rows that are drawn from now on; what stands in the scrollback keeps its colours. */
  setTheme(theme: Theme): void;
};

export function createRenderer(options: {
  theme: Theme;
  capabilities: Capabilities;
  /** What is known of the session only later: its root, the highlighter once it is loaded. */
  extras: () => RenderExtras;
  /** Code is drawn for the first time. */
  onCode: () => void;
}): Renderer {
  const { capabilities, extras, onCode } = options;
  let { theme } = options;
  let hasSeenCode = false;
  const glyphs = glyphsOf(capabilities);
  let paint = createPainter(theme, capabilities);
  return {
    glyphs,
    capabilities,
    get theme() {
      return theme;
    },
    setTheme(next) {
      theme = next;
      paint = createPainter(theme, capabilities);
    },
    paint: (line) => paint(line),
    fit: (line, columns) => paint(truncateLine(line, columns, glyphs.ellipsis)),
    blocks(blocks, columns, previous, isExpanded = false) {
      if (!hasSeenCode && blocks.some(({ type }) => type === "code")) {
        hasSeenCode = true;
        onCode();
      }
      return renderBlocks(blocks, columns, theme, capabilities, { ...extras(), isExpanded }, previous);
    },
    permission: (permission, view, columns) =>
      renderPermission(permission, view, columns, theme, capabilities, extras()),
    // Not pushed to the right: a row as wide as the window is wrapped when that gets narrower.
    status: (status, columns) =>
      renderStatusLine(statusFields(status), columns, theme, capabilities).replace(/ {4,}/, "    "),
  };
}
