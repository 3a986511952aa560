import { describe, expect, test } from "vitest";
import {
  CODE_PIECE_LINES,
  createTextStream,
  type Piece,
  splitText,
} from "../../src/tui/text/markdown/open-text.ts";

const shown = (piece: Piece | undefined) =>
  piece === undefined ? undefined : piece.type === "text" ? piece.text : `${piece.language}> ${piece.code}`;
const pieces = (source: string) => splitText(source).map(shown);

/** What is closed after each of some deltas. */
function closedAfter(...deltas: string[]) {
  const stream = createTextStream();
  return deltas.map((delta) => stream.push(delta).map(shown));
}

describe("a block is closed", () => {
  test("when a paragraph is followed by a blank line, not before", () => {
    expect(closedAfter("Hello", " world\nmore\n", "\n")).toEqual([[], [], ["Hello world\nmore"]]);
  });

  test("when something else begins", () => {
    expect(pieces("text\n# Title\nmore\n---\n> quote\n- item")).toEqual([
      "text",
      "# Title",
      "more\n---",
      "> quote",
      "- item",
    ]);
  });

  test("when the next item of its list begins", () => {
    expect(closedAfter("- one\n  still one\n", "- two\n", "\nafter\n")).toEqual([
      [],
      ["- one\n  still one"],
      ["- two"],
    ]);
  });

  test("when a table is followed by a blank line", () => {
    expect(closedAfter("| a | b |\n|---|---|\n| 1 | 2 |\n", "\n")).toEqual([
      [],
      ["| a | b |\n|---|---|\n| 1 | 2 |"],
    ]);
  });

  test("when a fence closes, of a long one every few lines", () => {
    const lines = Array.from({ length: CODE_PIECE_LINES + 1 }, (_, index) => `line ${index}`);
    const stream = createTextStream();
    expect(stream.push(`\`\`\`ts\n${lines.join("\n")}\n`).map(shown)).toEqual([
      `ts> ${lines.slice(0, -1).join("\n")}`,
    ]);
    expect(stream.push("```\n").map(shown)).toEqual([`ts> ${lines.at(-1)}`]);
  });

  test("when it grows so long that laying it out again and again would cost", () => {
    const stream = createTextStream();
    const line = `${"word ".repeat(40)}\n`;
    const closed = Array.from({ length: 100 }, () => stream.push(line)).flat();
    expect(closed.length).toBeGreaterThan(1);
    expect(shown(stream.open())?.length).toBeLessThan(9000);
  });
});

describe("the open tail", () => {
  const openAfter = (text: string) => {
    const stream = createTextStream();
    stream.push(text);
    return shown(stream.open());
  };

  test("is what was written since", () => {
    expect(openAfter("done\n\nnot yet **do")).toBe("not yet **do");
    expect(openAfter("```ts\nconst a")).toBe("ts> const a");
  });

  test("does not show a marker before it is clear what it is", () => {
    for (const text of ["#", "- ", "```", "```ty", ">", "**"]) expect(openAfter(text)).toBeUndefined();
    expect(openAfter("```\ncode\n``")).toBe("> code");
  });

  test("does not show half a character or half an escape sequence", () => {
    expect(openAfter("smile \ud83d")).toBe("smile");
    expect(openAfter("red \x1b[3")).toBe("red");
  });
});

describe("blocks keep together what belongs together", () => {
  test("an item keeps its nested items, paragraphs and code", () => {
    expect(
      pieces("1. run\n   ```sh\n   npm test\n\n   ls\n   ```\n\n   then\n   - a\n   - b\n2. stop"),
    ).toEqual(["1. run\n   ```sh\n   npm test\n\n   ls\n   ```\n\n   then\n   - a\n   - b", "2. stop"]);
  });

  test("bullets that are indented too little for their number still nest", () => {
    expect(pieces("1. a\n  - b\n    - c\n2. d")).toEqual(["1. a\n   - b\n     - c", "2. d"]);
  });

  test("items of one list are numbered on", () => {
    const numbers = splitText("1. a\n1. b\n\n1. c\n\ntext\n\n7. d\n8. e").map((piece) =>
      piece.type === "text" ? piece.listNumber : undefined,
    );
    expect(numbers).toEqual([1, 2, 3, undefined, 7, 8]);
  });

  test("blocks without a blank line between them are tight", () => {
    const tight = splitText("Do:\n- a\n- b\n\n- c\n\nend\n# Title\ntext").map((piece) =>
      piece.type === "text" ? piece.isTight : undefined,
    );
    expect(tight).toEqual([false, true, true, false, false, false, true]);
  });

  test("a table that is too long for one is cut and its header repeated", () => {
    const rows = Array.from({ length: 100 }, (_, index) => `| ${index} |`);
    const cut = pieces(["| n |", "|---|", ...rows].join("\n"));
    expect(cut.map((text) => text?.split("\n").length)).toEqual([42, 42, 22]);
    expect(cut.every((text) => text?.startsWith("| n |\n|---|\n"))).toBe(true);
  });

  test("pieces of a fence know what stands before them", () => {
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    const [first, second] = splitText(`\`\`\`js\n${lines.join("\n")}\n\`\`\``);
    expect(first).toMatchObject({ opensFence: true, before: "" });
    expect(second).toMatchObject({ opensFence: false, before: lines.slice(0, CODE_PIECE_LINES).join("\n") });
  });

  test("a fence inside a longer fence does not close it", () => {
    expect(pieces("````md\n```\nx\n```\n````")).toEqual(["md> ```\nx\n```"]);
  });

  test("a text that ends inside a fence keeps its code", () => {
    expect(pieces("```py\nprint(1)")).toEqual(["py> print(1)"]);
  });
});
