import { plural } from "../../protocol/plural.ts";
import type { UndoTurn } from "../../protocol/undo.ts";
import { type RewindOverlay, rewindItems } from "../state/rewind.ts";
import type { AppState } from "../state/state.ts";
import { formatAgo } from "../text/figures.ts";
import { span } from "../text/line.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { List } from "./lists.ts";
import type { Renderer } from "./renderer.ts";

const fileFacts: { readonly [F in UndoTurn["files"]]: string } = {
  unchanged: "",
  changed: "",
  undone: "files taken back",
  unavailable: "files not recorded",
};

/** The prompts to go back to, then what is to go back with what would change. */
export function rewindList(
  state: AppState,
  overlay: RewindOverlay,
  { glyphs }: Renderer,
): Pick<List, "items" | "title" | "hints" | "empty" | "ask"> {
  const items = rewindItems(overlay).map((item) => {
    if (item.type === "answer" || item.type === "fork") return { left: [span(item.text)], right: [] };
    if (item.type === "file") {
      const text = sanitizeLine(item.text);
      return { left: [span(`  ${text}`, item.isConflict ? "warning" : "muted")], right: [], whole: text };
    }
    const { prompt, changed, created_at, files } = item.turn;
    return {
      left: [span(sanitizeLine(prompt) || "a turn without a prompt")],
      whole: sanitizeLine(prompt),
      right: [
        changed === null
          ? ""
          : `${plural(changed.files, "file")} +${changed.additions} -${changed.deletions}`,
        fileFacts[files],
        formatAgo(state.now - Date.parse(created_at)),
      ].filter((fact) => fact !== ""),
    };
  });
  const { chosen, preview, found } = overlay;
  if (chosen === undefined)
    return {
      items,
      title: "Go back to before a prompt",
      hints: `enter chooses${glyphs.separator}nothing changes yet`,
      empty: found === undefined ? "asking the daemon" : "there is nothing to go back to",
    };
  return {
    items,
    title: `Back to before: ${sanitizeLine(chosen.prompt)}`,
    hints:
      preview === undefined
        ? "asking the daemon what would change"
        : typeof preview === "string"
          ? preview
          : preview.conflicts.length > 0
            ? "files in the way: only the conversation can go back"
            : `${plural(preview.files.length, "file")} would change${glyphs.separator}/redo brings it back`,
    empty: "",
    ask: { label: "enter takes the marked answer, esc goes back", text: "" },
  };
}
