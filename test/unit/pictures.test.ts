// The pictures of the documentation: how cells become SVG, and what the committed ones must not tell.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { drawSvg } from "../../docs/pictures/svg.ts";
import { createEmulator } from "../support/emulator.ts";
import { repository } from "../support/home.ts";

const folder = join(repository, "docs", "pictures");

async function drawn(text: string): Promise<string> {
  const emulator = createEmulator(20, 3);
  await emulator.write(text);
  const svg = drawSvg([{ rows: emulator.cells(), columns: 20, cursor: undefined }], "a picture");
  emulator.dispose();
  return svg;
}

test("a piece of text stands in its column with its colour and its weight, and is escaped", async () => {
  const svg = await drawn("ab \x1b[1;38;2;1;2;3mx<y&z\x1b[0m");
  expect(svg).toContain(
    '<text x="0" y="13.5" fill="#d7dae0" textLength="16.8" xml:space="preserve">ab</text>',
  );
  expect(svg).toContain(
    '<text x="25.2" y="13.5" fill="#010203" font-weight="bold" textLength="42" xml:space="preserve">x&lt;y&amp;z</text>',
  );
});

test("what follows a wide character stands two columns further", async () => {
  const svg = await drawn("世a");
  expect(svg).toContain('<text x="0" y="13.5" fill="#d7dae0" xml:space="preserve">世</text>');
  expect(svg).toContain('<text x="16.8" y="13.5" fill="#d7dae0" xml:space="preserve">a</text>');
});

test("inverse text has its colours exchanged, and dim and underlined text is marked", async () => {
  const svg = await drawn("\x1b[7;38;2;1;2;3mi\x1b[0m\r\n\x1b[2;4md\x1b[0m");
  expect(svg).toContain('<rect x="0" y="0" width="8.4" height="18" fill="#010203"/>');
  expect(svg).toContain('fill="#1b1d23" xml:space="preserve">i</text>');
  expect(svg).toContain('fill-opacity=".6" text-decoration="underline" xml:space="preserve">d</text>');
});

test("rows below the last that shows something are left out", async () => {
  expect(await drawn("a")).toContain('height="46"');
  expect(await drawn("a\r\n\r\nb")).toContain('height="82"');
});

test("the committed pictures name no machine's folders and load nothing from elsewhere", () => {
  const pictures = readdirSync(folder).filter((name) => name.endsWith(".svg"));
  expect(pictures.length).toBeGreaterThanOrEqual(5);
  for (const name of pictures) {
    const text = readFileSync(join(folder, name), "utf8").replace("http://www.w3.org/2000/svg", "");
    expect(text, name).not.toMatch(/\/(tmp|home\/(?!ada\/)|Users|root|var)\/|https?:|<image|@import/);
  }
});
