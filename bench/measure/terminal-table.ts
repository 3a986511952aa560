import { writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { join } from "node:path";
import { repository } from "../../test/support/home.ts";
import { median, quantile } from "./report.ts";

export type Figure = {
  name: string;
  unit: string;
  samples: readonly number[];
  /** What of the samples is held against the budget; the median by default. */
  by?: "p95" | "ratio";
  floor?: { name: string; samples: readonly number[] };
  budget?: number;
};

const shown = (value: number): string =>
  value >= 100 ? value.toFixed(0) : Number(value.toFixed(value < 10 ? 2 : 1)).toString();

function figureOf({ samples, by, floor }: Figure): number {
  if (by === "p95") return quantile(samples, 0.95);
  return by === "ratio" && floor ? median(samples) / median(floor.samples) : median(samples);
}

function cells(figure: Figure): string[] {
  const { name, unit, samples, by, floor, budget } = figure;
  const value = figureOf(figure);
  return [
    `${name}, ${by === "ratio" ? `÷ ${floor?.name ?? ""}` : unit}${by === "p95" ? ", p95" : ""}`,
    shown(value),
    by === "ratio" || by === "p95" ? `${shown(median(samples))} ${unit}` : "",
    samples.length > 1 ? `${shown(Math.min(...samples))} – ${shown(Math.max(...samples))}` : "",
    String(samples.length),
    floor === undefined
      ? ""
      : `${shown(by === "p95" ? quantile(floor.samples, 0.95) : median(floor.samples))} (${floor.name})`,
    budget === undefined ? "" : budget === 0 ? "0" : `≤ ${budget}`,
    budget === undefined ? "" : value <= budget ? "yes" : "**no**",
  ];
}

const heads = ["what", "hearth", "median", "min – max", "n", "floor", "budget", "kept"];

const loads = () =>
  loadavg()
    .map((load) => load.toFixed(1))
    .join(", ");

/** Load averages now; what the machine did besides decides how far absolute times can be trusted. */
export const loadBefore = loads();

/** Prints the figures beside their budgets; with `--write` also makes docs/bench-terminal.md of them. */
export function reportTerminal(figures: readonly Figure[], seconds: number): void {
  const lines = [heads, heads.map((_, index) => (index === 0 ? "---" : "---:")), ...figures.map(cells)];
  const table = lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
  const processor = cpus()[0]?.model.trim() ?? "unknown";
  const text = `# What the terminal takes

The built hearth in a pseudo-terminal of 120×40 that an emulator reads, against a local model server, beside bare Node
and a bare Ink prompt in the same run; the budgets are hearth's own. Times are medians unless a row says p95. Made by
\`npm run bench -- terminal --write\`, which measures again; \`--seconds 60\` streams for longer.

${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${processor}, Linux ${release()}, Node ${process.versions.node}; the stream lasted ${seconds} s. Load average
(1, 5, 15 minutes) ${loadBefore} before and ${loads()} after: above ${cpus().length} the machine is shared, and absolute times are too long.
Memory is proportional (PSS): pages that other running Nodes share count less.

${table}
`;
  console.log(text);
  if (process.argv.includes("--write")) writeFileSync(join(repository, "docs", "bench-terminal.md"), text);
}
