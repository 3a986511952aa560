// What large things cost: the longest turn of the daemon's event loop, and what people wait. `npm run bench -- large`
// measures all, `npm run bench -- large replace-all usage` only these; each has a daemon of its own.
import { inLargeWorld, type Measured } from "./large/large-world.ts";
import { works } from "./large/works.ts";
import { writeSection } from "./measure/report.ts";

const heads = ["what", "done after, ms", "longest turn, ms", "its CPU, ms", "aim"];
const shown = (ms: number): string => Math.round(ms).toLocaleString("en");
const cells = ({ name, doneMs, wallMs, cpuMs }: Measured) =>
  [name, shown(doneMs), shown(wallMs), shown(cpuMs), "≤ 50"] as const;

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unknown = asked.filter((name) => works[name] === undefined);
if (unknown.length > 0) {
  console.error(`${unknown.join(", ")}: there is ${Object.keys(works).join(", ")}`);
  process.exit(2);
}
const isWhole = asked.length === 0;
const names = isWhole ? Object.keys(works) : asked;
const line = (entries: readonly string[]) => `| ${entries.join(" | ")} |`;
const lines = [line(heads), line(heads.map((_, at) => (at === 0 ? "---" : "---:")))];
for (const text of lines) console.log(text);
for (const name of names) {
  const work = works[name];
  if (work === undefined) continue;
  await inLargeWorld(work, (measured) => {
    const text = line(cells(measured));
    lines.push(text);
    console.log(text);
  });
}
if (process.argv.includes("--write") && !isWhole) console.error("not written: only a whole run is");
else if (process.argv.includes("--write")) writeSection("Large things", lines.join("\n"), "bench-large.md");
