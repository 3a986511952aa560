import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "@lydell/node-pty";
import { build } from "esbuild";
import { repository } from "../../test/support/home.ts";

/** Milliseconds from the start of a program in a terminal of 120×40 to the first thing it shows. */
export function timeFirstFrame(
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Promise<number> {
  const began = performance.now();
  const terminal = spawn(process.execPath, [...args], {
    cols: 120,
    rows: 40,
    cwd,
    env: { ...env, TERM: "xterm-256color" },
  });
  return new Promise((resolve, reject) => {
    let shown = "";
    let taken: number | undefined;
    const patience = setTimeout(() => terminal.kill("SIGKILL"), 10_000);
    terminal.onData((data) => {
      shown += data;
      // Questions to the terminal and modes are no picture.
      const visible = shown.replace(
        /\u001b(\[[0-9;?<>=]*[a-zA-Z]|\][^\u0007\u001b]*(\u0007|\u001b\\)|[()][A-Z0-9]|[=>78])/g,
        "",
      );
      if (taken !== undefined || !/\S/.test(visible)) return;
      taken = performance.now() - began;
      terminal.kill("SIGKILL");
    });
    terminal.onExit(() => {
      clearTimeout(patience);
      if (taken === undefined) reject(new Error(`it showed nothing: ${JSON.stringify(shown)}`));
      else resolve(taken);
    });
  });
}

/** Bundles bare-ink.tsx, or another of its kind, the way hearth is bundled; returns the file. */
export async function buildBareInk(name = "bare-ink"): Promise<string> {
  const outfile = join(repository, "node_modules", ".cache", "hearth-bench", `${name}.mjs`);
  mkdirSync(join(outfile, ".."), { recursive: true });
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.tsx`)],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    jsx: "automatic",
    minifyWhitespace: true,
    minifySyntax: true,
    alias: { "react-devtools-core": join(repository, "build-empty.mjs") },
    define: { "process.env.NODE_ENV": '"production"' },
    banner: {
      js: 'import{createRequire as __r}from"node:module";const require=__r(import.meta.url);require("node:module").enableCompileCache();',
    },
  });
  return outfile;
}
