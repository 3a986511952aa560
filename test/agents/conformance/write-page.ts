// Makes docs/conformance.md of a run over the real agents:
// REAL_AGENTS=1 npx vitest run --project agents test/agents/{goose,qwen,opencode,claude,codex,gemini}.test.ts \
//   --reporter=verbose | tee LOG; node test/agents/conformance/write-page.ts LOG
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { repository } from "../../support/home.ts";

const [log = ""] = process.argv.slice(2);
const text = stripVTControlCharacters(readFileSync(log, "utf8"));
const agents: string[] = [];
const cases = new Map<string, Map<string, string>>();
const found = [...text.matchAll(/^ ([✓×↓]) +agents +test\/agents\/\S+ > (.+)$/gm)].map(
  ([, mark, name = ""]) => {
    const [subject = "", ...path] = name.split(" > ");
    return { mark, name, subject, path };
  },
);
const versioned = found.map(({ subject }) => subject).filter((subject) => /\d/.test(subject));
for (const { mark, name, subject, path } of found) {
  // Cases of one agent alone stand under its name without a version, or with words after it.
  const [first] = subject.split(" ");
  const agent = /\d/.test(subject)
    ? subject
    : (versioned.find((known) => known.startsWith(`${first} `)) ?? subject);
  const took = / (\d+)ms$/.exec(name)?.[1];
  const title = path.join(": ").replace(/ \d+ms$/, "");
  if (!agents.includes(agent)) agents.push(agent);
  const seconds = took === undefined ? "✓" : `${(Number(took) / 1000).toFixed(1)}`;
  const row = cases.get(title) ?? new Map<string, string>();
  cases.set(title, row.set(agent, mark === "✓" ? seconds : mark === "×" ? "**failed**" : "**skipped**"));
}
agents.sort();
const closing = [...text.matchAll(/^ *(Test Files|Tests|Duration) .*$/gm)].map(([line]) => line.trim());
const commit = execFileSync("git", ["log", "-1", "--format=%h %s"], {
  cwd: repository,
  encoding: "utf8",
}).trim();
const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
const page = `# Conformance of the agents

One run of the conformance suite (\`test/agents/conformance\`) over the real agents, each driven through its own backend
against a scripted model on loopback. The figures are seconds; – means that the agent does not offer what the case tests
(goose reports no plan, qwen has one model, …: the subject's traits in its test file). Nothing is retried or skipped: an
agent that is not installed would be counted as skipped in the last lines. The scripted agent and hearth's own agent
pass the same cases in every \`npm test\`.

Made by \`REAL_AGENTS=1 npx vitest run --project agents test/agents/{goose,qwen,opencode,claude,codex,gemini}.test.ts
--reporter=verbose > LOG\` and \`node test/agents/conformance/write-page.ts LOG\`; the agents by
\`node test/support/install-agents.ts goose qwen opencode claude codex gemini\`.

${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"} (shared), Linux ${release()}, Node ${process.versions.node}, at "${commit}".

${line(["case", ...agents])}
${line(["---", ...agents.map(() => "---:")])}
${[...cases].map(([title, row]) => line([title, ...agents.map((agent) => row.get(agent) ?? "–")])).join("\n")}

\`\`\`
${closing.join("\n")}
\`\`\`
`;
writeFileSync(join(repository, "docs/conformance.md"), page);
process.stdout.write(`${cases.size} cases, ${agents.join(", ")}\n${closing.join("\n")}\n`);
