// Draws the pictures in docs/pictures from real frames: `npm test -- test/tui/pictures.test.ts -u` draws them again.
import { afterEach, expect, test } from "vitest";
import { pictureOf } from "../support/picture.ts";
import { scenes } from "../support/tui-scenes.ts";
import { openTuiTerminal, type TuiTerminal } from "../support/tui-terminal.ts";

let open: TuiTerminal | undefined;
afterEach(() => {
  open?.close();
  open = undefined;
});

test.each(["streaming", "question", "edit_question", "queue", "files", "sessions", "help"])(
  "the picture of %s in the docs is the screen of today",
  async (name) => {
    const columns = 90;
    open = openTuiTerminal(columns, 22, { color: "truecolor", attributes: true });
    scenes[name]?.(open);
    await open.window();
    await expect(pictureOf(open.emulator.runs(), columns)).toMatchFileSnapshot(
      `../../docs/pictures/${name}.svg`,
    );
  },
);
