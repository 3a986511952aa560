// Bundles src into dist: main.js, what it loads lazily as chunks, version.json for the launcher.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildId } from "./build-id.mjs";
import { NARROW } from "./src/tui/text/narrow.ts";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");
const clean = process.argv.includes("--clean");
/** A hearth that is still running may yet load a chunk of the build it came from. */
const CHUNK_KEPT_MS = 3 * 24 * 3600 * 1000;

/** CommonJS packages in the bundle call require(); an ES module has none of its own. */
const requireBanner =
  'const require=globalThis.process.getBuiltinModule("node:module").createRequire(import.meta.url);';

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const id = buildId(root);

const worker = await build({
  absWorkingDir: root,
  entryPoints: ["src/agent/worker/entry.ts"],
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node22",
  minify: true,
  legalComments: "none",
  write: false,
  logLevel: "warning",
});

const result = await build({
  absWorkingDir: root,
  entryPoints: { main: "src/cli/main.ts" },
  outdir: "dist",
  entryNames: "[name]",
  chunkNames: "chunks/[name]-[hash]",
  assetNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22",
  conditions: ["node", "import"],
  jsx: "automatic",
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
  external: ["better-sqlite3", "@silvia-odwyer/photon-node", "@vscode/ripgrep"],
  plugins: [nodeHttp(), quickStart()],
  alias: {
    "react-devtools-core": "./build-empty.mjs",
    // Its main file is UMD, whose inner require() calls a bundle cannot follow.
    "jsonc-parser": "jsonc-parser/lib/esm/main.js",
  },
  inject: ["src/tui/text/lazy-segmenter.ts"],
  define: {
    "Intl.Segmenter": "LazySegmenter",
    "process.env.NODE_ENV": '"production"',
    __HEARTH_VERSION__: JSON.stringify(version),
    __HEARTH_BUILD__: JSON.stringify(id),
    // A file of its own could be gone when a daemon that outlives its installation starts a thread.
    __HEARTH_WORKER__: JSON.stringify(worker.outputFiles[0]?.text),
  },
  banner: { js: requireBanner },
  metafile: process.argv.includes("--meta"),
  logLevel: "warning",
  write: false,
});

if (clean) rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "chunks"), { recursive: true });
const written = new Set(["version.json"]);
// Chunks first and main.js last: whoever starts hearth meanwhile finds a whole build, old or new.
const files = result.outputFiles.toSorted((a, b) => Number(isMain(a.path)) - Number(isMain(b.path)));
for (const file of files) {
  replaceFile(file.path, file.text);
  written.add(file.path.slice(dist.length + 1));
}
replaceFile(join(dist, "version.json"), `${JSON.stringify({ version, build: id })}\n`);
if (result.metafile) writeFileSync(join(dist, "meta.json"), JSON.stringify(result.metafile));
for (const name of readdirSync(join(dist, "chunks"))) {
  const path = join(dist, "chunks", name);
  if (written.has(`chunks/${name}`) || Date.now() - statSync(path).mtimeMs < CHUNK_KEPT_MS) continue;
  rmSync(path, { force: true });
}

/**
 * What Ink brings along does costly things while it loads and draws for the first time, which together are half of
 * the time that this takes. They are changed where they stand; a new version that no longer has them stops the build.
 */
function quickStart() {
  const yoga = /yoga-wasm-base64-esm\.js$/;
  const stringWidth = /string-width[/\\]index\.js$/;
  const changes = [
    {
      // Yoga's WebAssembly is in the bundle as text. It is asked of fetch where there is one, and touching Node's
      // loads all of undici.
      file: yoga,
      from: /typeof fetch/g,
      to: '"no fetch"',
    },
    {
      // The set of all emoji sequences takes 25 ms to compile: only for text that might be one.
      file: stringWidth,
      from: /const rgiEmojiRegex = (\/.+\/v);/,
      to:
        "const maybeEmoji = /[\\p{Extended_Pictographic}\\p{Regional_Indicator}\\u20e3]/u; let rgiEmoji; " +
        "const rgiEmojiRegex = { test: (text) => maybeEmoji.test(text) && (rgiEmoji ??= $1).test(text) };",
    },
    {
      // Its short way, for ASCII alone, serves all characters of one column: the long one has patterns of 15 ms.
      file: stringWidth,
      from: "/^[\\u0020-\\u007E]*$/",
      to: () => `/^[${NARROW}]*$/`,
    },
  ];
  return {
    name: "quick-start",
    setup(build) {
      for (const filter of new Set(changes.map(({ file }) => file))) {
        build.onLoad({ filter }, ({ path }) => {
          let contents = readFileSync(path, "utf8");
          for (const { from, to } of changes.filter(({ file }) => file === filter)) {
            const changed = contents.replace(from, to);
            if (changed === contents) throw new Error(`${path} is not what quickStart changes any more`);
            contents = changed;
          }
          return { contents, loader: "js" };
        });
      }
    },
  };
}

/**
 * An import of "node:http" reads every export of it, and some of these load all of Node's undici: half the time of a
 * start. So the bundle takes from it what it names here. docs/decisions/016 has the figures.
 */
function nodeHttp() {
  const names = ["Agent", "createServer", "get", "request"];
  return {
    name: "node-http",
    setup(build) {
      build.onResolve({ filter: /^node:http$/ }, ({ kind, path }) =>
        kind === "import-statement" ? { path, namespace: "node-http" } : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: "node-http" }, () => ({
        contents: `export const { ${names.join(", ")} } = process.getBuiltinModule("node:http");`,
      }));
    },
  };
}

function isMain(path) {
  return path === join(dist, "main.js");
}

function replaceFile(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}
