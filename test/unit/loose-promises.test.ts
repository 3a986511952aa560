// A promise that nobody holds ends the daemon when it fails: work is held by its owner, or let go of in the one guarded
// way, `inBackground`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Lines that call what is asynchronous and drop what it gives. */
function looseIn(text: string): string[] {
  const declared = text.matchAll(
    /async function (\w+)|const (\w+) = async|(?:const|function) (\w+)\b[^\n]*Promise<void>/g,
  );
  const asynchronous = new Set([...declared].map(([, ...names]) => names.find((name) => name !== undefined)));
  return [...text.matchAll(/(?:^|=>|;|\(|else|\))[ \t]*void ([\w.]+)[^;]*/gm)]
    .filter(([statement, name = ""]) => {
      const isAsync = asynchronous.has(name) || /\.(?:then|stop|terminate)\(/.test(statement);
      return isAsync && !/\.catch\(/.test(statement);
    })
    .map(([statement]) => statement.trim().split("\n")[0] ?? "");
}

test.each(["agent", "server"])(
  "nothing in src/%s lets go of a promise but in the one guarded way",
  (room) => {
    const folder = join(import.meta.dirname, "../../src", room);
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".ts"),
    );
    expect(files.length).toBeGreaterThan(30);
    const loose = files.flatMap((name) =>
      looseIn(readFileSync(join(folder, name), "utf8")).map((line) => `${name}: ${line}`),
    );
    expect(loose).toEqual([]);
  },
);

test("it sees what it is to see", () => {
  const text =
    "async function go() {}\nconst run = () => void go();\nvoid child.gone.then(end);\nvoid set.delete(1);\n";
  expect(looseIn(text)).toHaveLength(2);
});
