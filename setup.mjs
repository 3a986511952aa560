// Every npm script runs this: `node setup.mjs start|test|check|unit|bench|eval|pictures|build|prepare [arguments]`. It runs
// on the machine's Node (20 or later), installs what is missing, builds what is outdated, and then spawns the Node 24
// from the `node` package. Its own messages go to stderr.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildId } from "./build-id.mjs";

const root = dirname(fileURLToPath(import.meta.url));
const modules = join(root, "node_modules");
const node = join(modules, "node", "bin", "node");
const stamp = join(modules, ".hearth-setup");
const [command = "", ...args] = process.argv.slice(2);
/** How often the progress of the download is shown. */
const PROGRESS_MS = 3000;

/** An error that the user can fix; the message says how. */
class SetupError extends Error {}

const commands = { start, test, check, unit, bench, eval: evaluate, pictures, build: buildAlways, prepare };
if (!Object.hasOwn(commands, command)) {
  say(`unknown command "${command}": one of ${Object.keys(commands).join(", ")}`);
  process.exit(2);
}
try {
  const end = await commands[command]();
  if (end.signal) process.kill(process.pid, end.signal);
  else process.exitCode = end.code;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  if (command === "test") console.log("0 passed, 1 failed");
  process.exitCode = 1;
}

/** Runs hearth in the directory where npm was called. */
async function start() {
  await install();
  buildIfStale();
  const cwd = process.env.INIT_CWD ?? process.cwd();
  return run([join(root, "bin", "hearth"), ...args], { cwd, env: callersEnvironment() });
}

/** All checks and all tests; with arguments only the tests these select (they go to vitest). */
async function test() {
  await install();
  const results = args.length > 0 ? [await checkBuild()] : [await checkBuild(), ...(await checks())];
  const tests = await vitest(args);
  const passed = results.filter((result) => result.ok).length + tests.passed;
  const failed = results.filter((result) => !result.ok).length + tests.failed;
  const skipped = tests.skipped > 0 ? `, ${tests.skipped} skipped` : "";
  for (const { name } of results.filter((result) => !result.ok)) console.log(`failed: ${name}`);
  console.log(`${passed} passed, ${failed} failed${skipped}`);
  return { code: failed > 0 ? 1 : 0 };
}

async function check() {
  await install();
  const failed = (await checks()).filter((result) => !result.ok);
  if (failed.length > 0) say(`failed: ${failed.map((result) => result.name).join(", ")}`);
  return { code: failed.length > 0 ? 1 : 0 };
}

/** The quick tests, for use while coding; arguments go to vitest. */
async function unit() {
  await install();
  return run([tool("vitest"), "run", "--project", "unit", "--project", "property", ...args]);
}

/** `bench NAME [arguments]` runs bench/NAME.ts on a fresh build; without a name it lists them. */
async function bench() {
  await install();
  const [name, ...rest] = args;
  const file = join(root, "bench", `${name}.ts`);
  if (name === undefined || !existsSync(file)) {
    const names = existsSync(dirname(file))
      ? readdirSync(dirname(file)).filter((entry) => entry.endsWith(".ts"))
      : [];
    say(`which measurement? ${names.map((entry) => entry.slice(0, -3)).join(", ") || "there are none yet"}`);
    return { code: 2 };
  }
  buildIfStale();
  return run([file, ...rest]);
}

/** Lets an agent work on the tasks in eval, on a fresh build. */
async function evaluate() {
  await install();
  buildIfStale();
  return run([join(root, "eval", "run.ts"), ...args], { env: callersEnvironment() });
}

/** Draws docs/pictures, or only those named, from a fresh build. */
async function pictures() {
  await install();
  buildIfStale();
  return run([join(root, "docs", "pictures", "draw.ts"), ...args]);
}

async function buildAlways() {
  await install();
  return run([join(root, "build.mjs"), ...args]);
}

/**
 * npm's hook: runs after `npm ci` in this folder, before `npm pack` and `npm install -g <folder>`. Only the last two
 * need a successful build; after the first, node_modules must be usable even if src is broken.
 */
async function prepare() {
  const mustBuild =
    process.env.npm_config_global === "true" || ["pack", "publish"].includes(process.env.npm_command);
  if (!existsSync(join(modules, "esbuild"))) {
    if (existsSync(join(root, "dist", "main.js")) || !mustBuild) return { code: 0 }; // installed without dev dependencies
    await install();
  }
  const built = runToEnd([join(root, "build.mjs"), ...(mustBuild ? ["--clean"] : [])]);
  if (!built && !mustBuild) say("the build failed; `npm run build` shows why");
  return { code: built || !mustBuild ? 0 : 1 };
}

// ---- install and build

async function install() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (readOrEmpty(stamp) !== lock) {
    // A manual `npm ci` leaves npm's record of what it installed.
    if (!existsSync(node) || !isInstalledFromLock()) {
      await fetchPackages();
    }
    requirePinnedNode();
    writeFileSync(stamp, lock);
  } else requirePinnedNode();
}

/** npm only shows a spinner for what may take a minute, so fetched packages are counted here. */
async function fetchPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const wanted = Object.entries(packages).flatMap(([path, entry]) =>
    path === "" || entry.optional || entry.peer ? [] : [path],
  );
  const here = () => wanted.filter((path) => existsSync(join(root, path, "package.json"))).length;
  say(
    `fetching ${wanted.length} packages and Node 24 from the npm registry, once (npm ci); this may take a minute`,
  );
  const npm = process.env.npm_execpath?.endsWith(".js")
    ? [process.execPath, process.env.npm_execpath]
    : ["npm"];
  const options = ["ci", "--include=dev", "--global=false", "--engine-strict=false", "--loglevel=error"];
  const more = ["--no-progress"]; // npm's spinner would overwrite our lines
  const child = spawn(npm[0], [...npm.slice(1), ...options, ...more], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  let told = 0;
  const timer = setInterval(() => {
    const count = here();
    if (count > told) say(`${count} of ${wanted.length} packages are there`);
    told = Math.max(told, count);
  }, PROGRESS_MS);
  const code = await new Promise((resolve) => {
    child.once("error", () => resolve(1)).once("exit", resolve);
  });
  clearInterval(timer);
  if (code !== 0) throw new SetupError("npm ci failed; its messages are above");
}

/** Whether node_modules has exactly the versions in package-lock.json, by npm's own record. */
function isInstalledFromLock() {
  const record = readOrEmpty(join(modules, ".package-lock.json"));
  if (record === "") return false;
  const installed = JSON.parse(record).packages;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === "" || entry.optional || entry.peer || installed[path]?.version === entry.version,
  );
}

function requirePinnedNode() {
  const answer = spawnSync(node, ["-v"], { encoding: "utf8" });
  const version = answer.status === 0 ? answer.stdout.trim() : "";
  if (Number(version.slice(1).split(".")[0]) >= 24) return;
  throw new SetupError(
    `${node} is ${version === "" ? "missing" : version} and should be Node 24: the install script of the package ` +
      "`node` fetches it. If your npm forbids install scripts, run `npm ci --ignore-scripts=false` here.",
  );
}

function buildIfStale() {
  if (!isBuilt() && !runToEnd([join(root, "build.mjs")])) throw new SetupError("the build failed");
}

function isBuilt() {
  const version = readOrEmpty(join(root, "dist", "version.json"));
  return version !== "" && JSON.parse(version).build === buildId(root);
}

// ---- checks and tests

async function checkBuild() {
  return { name: "build", ok: isBuilt() || runToEnd([join(root, "build.mjs")]) };
}

async function checks() {
  const steps = [
    { name: "tsc", run: [tool("typescript", "tsc"), "--noEmit", "--pretty", "false"] },
    { name: "biome", run: [tool("@biomejs/biome", "biome"), "check", "--error-on-warnings", "--colors=off"] },
    { name: "knip", run: [tool("knip"), "--no-progress"] },
  ];
  // Side by side: each keeps one core busy, and says nothing unless it has found something.
  return Promise.all(
    steps.map(async ({ name, run: argv }) => {
      const { code } = await run(argv, { stdio: ["ignore", 1, 2] });
      console.log(`${code === 0 ? "ok" : "FAILED"}: ${name}`);
      return { name, ok: code === 0 };
    }),
  );
}

async function vitest(filters) {
  const folder = mkdtempSync(join(tmpdir(), "hearth-vitest-"));
  const file = join(folder, "report.json");
  // With CI set, vitest refuses unreviewed snapshots; vitest.config.ts removes it again for the tests.
  const env = toolEnvironment({ CI: "1" });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const { code } = await run([tool("vitest"), "run", ...reporters, ...filters], {
    stdio: ["ignore", 1, 2],
    env,
  });
  const report = JSON.parse(readOrEmpty(file) || "{}");
  rmSync(folder, { recursive: true, force: true });
  const { numPassedTests: passed = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0 } = report;
  const executed = passed + numFailedTests;
  if (executed === 0) console.log("vitest executed no test");
  // A file that fails to load, or an error outside any test, fails the run without a failed test.
  const failed = numFailedTests === 0 && (code !== 0 || executed === 0) ? 1 : numFailedTests;
  return { passed, failed, skipped: numPendingTests + numTodoTests };
}

/** The script behind node_modules/.bin, read from its package: the shims there start whichever Node is installed. */
function tool(name, bin = name) {
  const manifest = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  return join(modules, name, typeof manifest.bin === "string" ? manifest.bin : manifest.bin[bin]);
}

// ---- processes

/** Runs the pinned Node. Passes on its exit code, and signals to it. */
function run(argv, { cwd = root, env = toolEnvironment(), stdio = "inherit" } = {}) {
  const child = spawn(node, argv, { cwd, env, stdio });
  // Ctrl+C in the terminal reaches the child by itself; a kill of this process does not.
  const passedOn = { SIGINT: !process.stdin.isTTY, SIGTERM: true, SIGHUP: true, SIGQUIT: false };
  const listeners = Object.entries(passedOn).map(([signal, isPassedOn]) => [
    signal,
    () => isPassedOn && child.kill(signal),
  ]);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      for (const [name, listener] of listeners) process.removeListener(name, listener);
      resolve({ code: code ?? 1, signal });
    });
  });
}

function runToEnd(argv) {
  return spawnSync(node, argv, { cwd: root, env: toolEnvironment(), stdio: ["ignore", 2, 2] }).status === 0;
}

/** For our tools: what they start as `node` is the pinned Node too. */
function toolEnvironment(more = {}) {
  return { ...process.env, ...more, PATH: [dirname(node), process.env.PATH].join(delimiter) };
}

/** The environment without npm's additions, so that commands run by hearth do not see this repository. */
function callersEnvironment() {
  const env = { ...process.env };
  // The variables that npm sets for every script. Other npm_config_… variables (a registry, a proxy) may be the user's
  // own.
  const set =
    "cache globalconfig global_prefix init_module local_prefix node_gyp noproxy npm_version prefix user_agent userconfig";
  const names = ["INIT_CWD", "NODE", "npm_command", "npm_execpath", "npm_node_execpath"];
  for (const name of [...names, ...set.split(" ").map((key) => `npm_config_${key}`)]) delete env[name];
  for (const name of Object.keys(env)) if (/^npm_(lifecycle|package)_/.test(name)) delete env[name];

  const added = new Set();
  for (let dir = root; !added.has(join(dir, "node_modules", ".bin")); dir = dirname(dir)) {
    added.add(join(dir, "node_modules", ".bin"));
  }
  const isAdded = (entry) =>
    added.has(entry) || /[\\/]@npmcli[\\/]run-script[\\/].*node-gyp-bin$/.test(entry);
  const path = (env.PATH ?? "").split(delimiter).filter((entry) => !isAdded(entry));
  return { ...env, PATH: path.join(delimiter) };
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return "";
    throw error;
  }
}

function say(message) {
  process.stderr.write(`hearth: ${message}\n`);
}
