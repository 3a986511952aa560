// node test/support/install-agents.ts [NAME…]   goose, qwen and opencode unless named. Never run by npm test.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agentFolder, cachedAgent, pinnedAgents, type RealAgentName } from "./real-agents.ts";

const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : ["goose", "qwen", "opencode"];

for (const name of names) {
  if (!(name in pinnedAgents)) {
    process.stderr.write(`no agent ${name}; there are ${Object.keys(pinnedAgents).join(", ")}\n`);
    process.exitCode = 2;
    continue;
  }
  install(name as RealAgentName);
}

function install(name: RealAgentName): void {
  const pinned = pinnedAgents[name];
  if (cachedAgent(name) === undefined) {
    const folder = agentFolder(name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    const wanted = `${pinned.package}@${pinned.version}`;
    const flags = ["--prefix", folder, "--save-exact", "--no-audit", "--no-fund", "--ignore-scripts"];
    run("npm", ["install", ...flags, wanted], folder);
    if ("postinstall" in pinned) run(process.execPath, [join(folder, pinned.postinstall)], folder);
  }
  const found = cachedAgent(name);
  if (found === undefined) {
    process.stderr.write(`${name}: installed, but ${pinned.program} is not there\n`);
    process.exitCode = 1;
    return;
  }
  process.stdout.write(`${name} ${found.version}  ${found.program}\n`);
}

function run(command: string, args: string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed with ${status}`);
}
