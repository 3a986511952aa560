import { sentenceOfStop } from "../../client/gone.ts";
import { isEmpty } from "../editor/editor.ts";
import type { KeyOverrides } from "../keys.ts";
import type { AppState } from "../state/state.ts";
import { type Line, span } from "../text/line.ts";
import { firstChordName } from "./chord-name.ts";
import type { Renderer } from "./renderer.ts";

/** One line with an error, a warning, or a hint about a key. */
export function noticeLines(state: AppState, { glyphs }: Renderer, overrides: KeyOverrides): Line[] {
  const { link, flash, now } = state;
  const dot = glyphs.separator;
  if (link.state === "failed") return [[span(`${glyphs.fail} `, "error"), span(link.error.message, "error")]];
  if (link.state === "lost") {
    const seconds = Math.max(0, Math.ceil((link.retryAt - now) / 1000));
    const { isStill } = state.display;
    const when = seconds > 0 && !isStill ? ` in ${seconds} s` : "";
    const attempt = link.attempt > 1 && !isStill ? ` (${link.attempt})` : "";
    const rest = isEmpty(state.editor)
      ? `${firstChordName("prompt.submit", overrides)} tries now`
      : "your draft is safe";
    const text = `Lost the daemon${dot}reconnecting${attempt}${when}${dot}${rest}`;
    return [[span(`${glyphs.fail} `, "warning"), span(text, "warning")]];
  }
  if (link.state === "stopped") {
    const text = link.isStarting
      ? "Starting the daemon"
      : `${sentenceOfStop(link.stop)}${dot}press ${firstChordName("prompt.submit", overrides)} to start it`;
    return [[span(`${glyphs.warning} `, "warning"), span(text, "warning")]];
  }
  if (flash === undefined) return [];
  const style = flash.level === "info" ? "muted" : flash.level;
  const sign =
    flash.level === "error" ? `${glyphs.fail} ` : flash.level === "warning" ? `${glyphs.warning} ` : "  ";
  return flash.text
    .split("\n")
    .slice(0, 3)
    .map((text, index) => [span(index === 0 ? sign : "  ", style), span(text, style)]);
}
