import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { dirname, join } from "node:path";
import { repository } from "../../test/support/home.ts";

export type Row = {
  name: string;
  unit: string;
  samples: readonly number[];
  /** The same work by the least program that can do it, in the same run. */
  floor?: readonly number[] | undefined;
  /** What the issue or design.md asks for, in words. */
  aim?: string | undefined;
  /** A tail matters here. */
  p99?: boolean;
};

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

const shown = (value: number): string =>
  value >= 1000
    ? Math.round(value).toLocaleString("en")
    : value >= 100
      ? value.toFixed(0)
      : value.toFixed(value < 10 ? 2 : 1);

const heads = ["what", "median", "min", "max", "p99", "n", "floor", "÷ floor", "aim"];

function cells({ name, unit, samples, floor, aim, p99 }: Row): string[] {
  const middle = median(samples);
  const base = floor && median(floor);
  return [
    `${name}, ${unit}`,
    shown(middle),
    shown(Math.min(...samples)),
    shown(Math.max(...samples)),
    p99 ? shown(quantile(samples, 0.99)) : "",
    String(samples.length),
    base === undefined ? "" : shown(base),
    base === undefined ? "" : (middle / base).toFixed(1),
    aim ?? "",
  ];
}

function table(rows: readonly Row[]): string {
  const lines = [heads, heads.map((_, index) => (index === 0 ? "---" : "---:")), ...rows.map(cells)];
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

const PREAMBLE = `# What hearth takes

Medians with their minimum and maximum, and beside them a floor: the same work by the least program that can do it,
in the same run. Absolute times move with the machine; the ratio is what counts. Made by \`npm run bench -- NAME --write\`.
`;

/** Prints the rows; with `--write` also puts them into that file of docs/, in the section of that name. */
export function report(section: string, rows: readonly Row[], file = "bench.md"): void {
  const text = table(rows);
  console.log(`\n${section}\n\n${text}\n`);
  if (process.argv.includes("--write")) writeSection(section, text, file);
}

/** Puts `text` into that file of docs/, in the place of the section of that name. */
export function writeSection(section: string, text: string, file: string): void {
  const document = join(repository, "docs", file);
  const before = existsSync(document) ? readFileSync(document, "utf8") : PREAMBLE;
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(", ");
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, Linux ${release()}, Node ${process.versions.node}`;
  const made = `## ${section}\n\n${new Date().toISOString().slice(0, 10)}, ${machine}; load average after it ${load}.\n\n${text}\n`;
  const start = before.indexOf(`## ${section}\n`);
  const next = start < 0 ? -1 : before.indexOf("\n## ", start + 3);
  const kept = start < 0 ? [before, ""] : [before.slice(0, start), next < 0 ? "" : before.slice(next + 1)];
  mkdirSync(dirname(document), { recursive: true });
  writeFileSync(document, `${kept[0]?.trimEnd()}\n\n${made}${kept[1] ? `\n${kept[1]}` : ""}`);
}

/** Runs `work` so many times; the first few, which warm things up, are not kept. */
export async function sample(
  times: number,
  work: (round: number) => Promise<number>,
  warmUp = 3,
): Promise<number[]> {
  const samples: number[] = [];
  for (let round = -warmUp; round < times; round += 1) {
    const taken = await work(round);
    if (round >= 0) samples.push(taken);
  }
  return samples;
}
