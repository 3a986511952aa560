import fc from "fast-check";
import { expect, test } from "vitest";
import { applyEdits } from "../../src/agent/tools/files/apply-edits.ts";
import { type Match, matchText } from "../../src/agent/tools/files/match-text.ts";
import { similarity } from "../../src/agent/tools/files/similarity.ts";

const apply = (
  text: string,
  search: string,
  replacement: string,
  everywhere = false,
): string | Match["kind"] => {
  const match = matchText(text, search, replacement, everywhere);
  if (match.kind !== "found") return match.kind;
  return match.replacements.reduceRight(
    (current, { start, end, text: made }) => current.slice(0, start) + made + current.slice(end),
    text,
  );
};
const passOf = (text: string, search: string, replacement = "other"): string => {
  const match = matchText(text, search, replacement, false);
  return match.kind === "found" ? match.pass : match.kind;
};

const source = `class Greeter {
    greet(name) {
        const word = "hello";
        return word + name;
    }

    leave(name) {
        return "bye" + name;
    }
}
`;

test("an exact text is replaced where it stands, be it part of a line or many lines", () => {
  expect(apply(source, '"hello"', '"hi"')).toBe(source.replace('"hello"', '"hi"'));
  expect(apply(source, "    }\n\n    leave(name) {\n", "    }\n")).toBe(
    source.replace("\n    leave(name) {\n", ""),
  );
  expect(passOf(source, "return word")).toBe("exact");
});

test("a text that stands twice is ambiguous and its lines are told", () => {
  const match = matchText(source, "(name) {", "() {", false);
  expect(match).toEqual({ kind: "ambiguous", pass: "exact", lines: [2, 7] });
});

test("occurrences that overlap count as two", () => {
  expect(matchText("aaa", "aa", "b", false).kind).toBe("ambiguous");
  expect(apply("aaaa", "aa", "b", true)).toBe("bb");
});

test("replace_all replaces all of them", () => {
  expect(apply(source, "name", "who", true)).toBe(source.replaceAll("name", "who"));
});

test("whitespace at line ends is overlooked, and kept in lines that do not change", () => {
  const text = "first  \nsecond\t\nthird\n";
  expect(passOf(text, "first\nsecond\n")).toBe("trailing whitespace");
  expect(apply(text, "first\nsecond\n", "first\nsecond line\n")).toBe("first  \nsecond line\nthird\n");
});

test("indentation is overlooked, and new lines get that of the place", () => {
  const search = 'const word = "hello";\nreturn word + name;';
  const replacement = 'const word = "hello";\nif (!name) {\n    return word;\n}\nreturn word + name;';
  expect(passOf(source, search)).toBe("indentation");
  expect(apply(source, search, replacement)).toBe(
    source.replace(
      "        return word",
      "        if (!name) {\n            return word;\n        }\n        return word",
    ),
  );
});

test("spaces in the edit become tabs in a file of tabs, level by level", () => {
  const text = "a {\n\tb {\n\t\tc;\n\t}\n}\n";
  const made = apply(text, "  b {\n    c;\n  }", "  b {\n    if (d) {\n      c;\n    }\n  }");
  expect(made).toBe("a {\n\tb {\n\t\tif (d) {\n\t\t\tc;\n\t\t}\n\t}\n}\n");
});

test("what is less than a level of indentation stays as alignment", () => {
  const text = "\t/**\n\t * Old.\n\t */\n\tdone();\n";
  const made = apply(text, "    /**\n     * Old.\n     */", "    /**\n     * New.\n     * More.\n     */");
  expect(made).toBe("\t/**\n\t * New.\n\t * More.\n\t */\n\tdone();\n");
});

test("another structure of indentation is no match, however alike the words are", () => {
  const text = "if a:\n    b()\n    c()\n";
  expect(apply(text, "if a:\n  b()\nc()", "if a:\n  b()\nd()")).toBe("missing");
  expect(apply("a\n    b\n        c\n", "a\n  b\nc", "a\n  b\nd")).toBe("missing");
});

test("typographic quotes, dashes and spaces are overlooked, also within a line", () => {
  const text = "title: “Hello” – it’s\u00a0me\nnext\n";
  expect(apply(text, '"Hello" - it\'s me', "Goodbye")).toBe("title: Goodbye\nnext\n");
  expect(apply(text, 'title: "Hello" - it\'s me\nnext', 'title: "Hello" - it\'s me\nlast')).toBe(
    "title: “Hello” – it’s\u00a0me\nlast\n",
  );
  expect(passOf(text, '"Hello"')).toBe("punctuation");
});

test("runs of whitespace are overlooked", () => {
  const text = "x  =  1;\ny = 2;\n";
  expect(passOf(text, "x = 1;\ny = 2;")).toBe("whitespace");
  expect(apply(text, "x = 1;\ny = 2;", "x = 1;\ny = 3;")).toBe("x  =  1;\ny = 3;\n");
});

test("a block between its first and last line is found when nearly the same, and context in it is kept", () => {
  const text = "begin()\n  // compute the sum of all values\n  sum(values)\nend()\n";
  const search = "begin()\n  // computes the sum of all values\n  sum(values)\nend()";
  expect(passOf(text, search, search.replace("sum(values)", "total(values)"))).toBe("similar lines");
  expect(apply(text, search, search.replace("sum(values)", "total(values)"))).toBe(
    text.replace("sum(values)", "total(values)"),
  );
});

test("a block is not found by its edges when what would be replaced is something else", () => {
  const text =
    "begin()\n  aaaaaaaaaaaaaaaaaaaaaaaaaa\n  bbbbbbbbbbbbbbbbbbbbbbbb\n  delete(everything)\nend()\n";
  const search = "begin()\n  aaaaaaaaaaaaaaaaaaaaaaaaaa\n  bbbbbbbbbbbbbbbbbbbbbbbb\n  keep(it)\nend()";
  expect(apply(text, search, search.replace("keep(it)", "stop()"))).toBe("missing");
});

test("two blocks with the same edges are ambiguous", () => {
  const block = (middle: string) => `begin()\n  ${middle}\nend()\n`;
  const text = block("compute the sum one") + block("compute the sum two");
  expect(matchText(text, block("compute the sum ones"), "x\n", false)).toMatchObject({
    kind: "ambiguous",
    lines: [1, 4],
  });
});

test("a text of blanks alone is only found exactly", () => {
  expect(apply("a\n\n\t\nb\n", "  \n", "x\n")).toBe("missing");
});

test("lines that go altogether take their line break with them", () => {
  expect(apply("a \nb \nc\n", "a\nb\n", "")).toBe("c\n");
});

test("in a file of mixed line endings new lines end as their neighbours do", () => {
  expect(apply("a\r\nb\r\nc\nd\n", "a\nb\n", "a\nx\nb\n")).toBe("a\r\nx\r\nb\r\nc\nd\n");
});

test("edits build on each other, and one that fails undoes none because none was done", () => {
  const { text, reports } = applyEdits(
    source,
    [
      { old_string: "Greeter", new_string: "Host" },
      { old_string: "class Host", new_string: "export class Host" },
      { old_string: "name", new_string: "who", replace_all: true },
    ],
    "a.ts",
  );
  expect(text).toBe(source.replace("class Greeter", "export class Host").replaceAll("name", "who"));
  expect(reports.map(({ count }) => count)).toEqual([1, 1, 4]);
  const second = { old_string: "no such text anywhere", new_string: "y" };
  expect(() => applyEdits(source, [{ old_string: "Greeter", new_string: "x" }, second], "a.ts")).toThrow(
    /edit 2 \(of 2\) was not found in a\.ts\. Nothing was changed/,
  );
});

test("a failure shows where the text would most likely be, with line numbers", () => {
  const failing = () =>
    applyEdits(
      source,
      [{ old_string: "greet(name) {\n    const word = 'hallo!';", new_string: "x" }],
      "a.ts",
    );
  expect(failing).toThrow(/closest lines are:\n1\tclass Greeter \{\n2\t {4}greet\(name\) \{\n3\t/);
  expect(() => applyEdits(source, [{ old_string: "2\t    greet(name) {", new_string: "x" }], "a.ts")).toThrow(
    /Leave out the line numbers/,
  );
});

test("an empty or unchanged edit is refused", () => {
  expect(() => applyEdits("a", [{ old_string: "", new_string: "x" }], "a.ts")).toThrow(/empty/);
  expect(() => applyEdits("a", [{ old_string: "a", new_string: "a" }], "a.ts")).toThrow(/the same/);
});

test("similarity is 1 for the same and falls with each difference", () => {
  expect(similarity("", "")).toBe(1);
  expect(similarity("abcd", "abcx")).toBe(0.75);
  expect(similarity("abcd", "zzzzzzzzzzzzzzzzz")).toBe(0);
});

// Few words, so that repeated lines and near misses are common.
const word = fc.constantFrom("alpha", "beta", "it's", "x = 1", "“q”", "}", "");
const indent = fc.constantFrom("", "  ", "    ", "\t");
const line = fc.tuple(indent, word, fc.constantFrom("", " ")).map((parts) => parts.join(""));
const lines = fc.array(line, { minLength: 1, maxLength: 12 });
const text = lines.map((all) => all.join("\n"));

test("property: without replace_all there is one place or none, and what is around it stays", () => {
  fc.assert(
    fc.property(text, text, text, (file, search, replacement) => {
      const match = matchText(file, search, replacement, false);
      if (match.kind === "ambiguous") expect(match.lines.length).toBeGreaterThan(1);
      if (match.kind !== "found") return;
      expect(match.replacements).toHaveLength(1);
      const { start, end } = match.replacements[0] ?? { start: -1, end: -1 };
      expect(0 <= start && start <= end && end <= file.length).toBe(true);
      if (match.pass !== "exact") return;
      expect(file.split(search).length - 1).toBe(1);
      expect(file.slice(start, end)).toBe(search);
    }),
    { numRuns: 3000 },
  );
});

test("property: what the loosest key finds twice is never changed", () => {
  const collapse = (value: string) =>
    value.replaceAll(/[“”]/g, '"').replaceAll("’", "'").trim().replaceAll(/\s+/g, " ");
  fc.assert(
    fc.property(lines, lines, (file, search) => {
      const match = matchText(file.join("\n"), search.join("\n"), "new", false);
      if (match.kind !== "found" || match.pass !== "whitespace") return;
      const wanted = search.map(collapse).join("\n");
      const places = file.keys().filter(
        (at) =>
          file
            .slice(at, at + search.length)
            .map(collapse)
            .join("\n") === wanted,
      );
      expect([...places]).toHaveLength(1);
    }),
    { numRuns: 3000 },
  );
});

test("property: an edit and its reverse give the file back", () => {
  fc.assert(
    fc.property(text, fc.nat(), fc.nat(), text, (file, a, b, replacement) => {
      const [start, end] = [a % (file.length + 1), b % (file.length + 1)].toSorted((x, y) => x - y) as [
        number,
        number,
      ];
      const search = file.slice(start, end);
      const made = apply(file, search, replacement);
      if (passOf(file, search, replacement) !== "exact" || passOf(made, replacement, search) !== "exact")
        return;
      expect(apply(made, replacement, search)).toBe(file);
    }),
    { numRuns: 3000 },
  );
});

/** Ways in which a model's copy differs from the file, each with the pass that must overlook it. */
const distortions: readonly { pass: string; distort: (line: string) => string }[] = [
  { pass: "trailing whitespace", distort: (value) => `${value} ` },
  { pass: "indentation", distort: (value) => (value.trim() === "" ? value : `   ${value}`) },
  { pass: "punctuation", distort: (value) => value.replaceAll('"', "”").replaceAll("'", "’") },
  { pass: "whitespace", distort: (value) => value.replace(/(\S) (\S)/, "$1   $2") },
];

test("property: a copy that differs only so changes the one line that it is meant to change", () => {
  const body = fc
    .uniqueArray(fc.string({ unit: fc.constantFrom("a", "b", "c", "d"), minLength: 4, maxLength: 9 }), {
      minLength: 4,
      maxLength: 10,
    })
    .chain((words) =>
      fc.tuple(
        ...words.map((name) =>
          indent.map((space) => `${space === "\t" ? "  " : space}${name} = "it's" + 1;`),
        ),
      ),
    );
  fc.assert(
    fc.property(
      body,
      fc.nat(),
      fc.nat(),
      fc.constantFrom(...distortions),
      (file, a, b, { pass, distort }) => {
        const from = a % (file.length - 2);
        const block = file.slice(from, from + 3);
        const changed = b % 3;
        const search = block.map(distort);
        const replacement = search.with(changed, `${search[changed]?.trimEnd()} // new`);
        const fileText = file.join("\n");
        expect(passOf(fileText, search.join("\n"), replacement.join("\n"))).toBe(pass);
        const made = String(apply(fileText, search.join("\n"), replacement.join("\n"))).split("\n");
        const others = (all: readonly string[]) => all.toSpliced(from + changed, 1);
        expect(others(made)).toEqual(others(file));
        const before = file[from + changed] ?? "";
        const now = made[from + changed] ?? "";
        expect(/^\s*/.exec(now)?.[0]).toBe(/^\s*/.exec(before)?.[0]);
        expect(now.endsWith("// new")).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});

test("an indentation of other blanks than spaces and tabs is learned and kept", () => {
  for (const blank of ["\u3000", "\u00a0", "\u2003"]) {
    const text = `a {\n${blank}${blank}b();\n${blank}${blank}c();\n}\n`;
    const made = apply(text, "  b();\n  c();", "  b();\n  d();\n    e();\n  c();");
    expect(made).toBe(
      `a {\n${blank}${blank}b();\n${blank}${blank}d();\n${blank}${blank}${blank}${blank}e();\n${blank}${blank}c();\n}\n`,
    );
  }
});
