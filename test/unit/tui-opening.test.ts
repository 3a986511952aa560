import { expect, test } from "vitest";
import type { Replica } from "../../src/client/replica.ts";
import type { Agent } from "../../src/protocol/agent.ts";
import { welcomeBlocks } from "../../src/tui/view/opening.ts";

const unready: Agent = {
  ...{ name: "hearth", backend: "native", status: "error", fix: "ollama serve", version: null, model: null },
  reason: "Ollama does not answer at http://127.0.0.1:9 (OLLAMA_HOST).",
  ...{ models: [], modes: [], commands: [] },
};
const opened = (session_id: Replica["session_id"]) =>
  ({ session_id, agents: [unready] }) as unknown as Replica;

test("a first screen says once that another provider answers than the environment names", () => {
  const notice = "Ollama does not answer at http://127.0.0.1:9 (OLLAMA_HOST): anthropic/x answers instead.";
  const agents = [{ ...unready, status: "ready", reason: null, fix: null, notice }];
  const at = (session_id: Replica["session_id"]) => ({ session_id, agents }) as unknown as Replica;
  expect(welcomeBlocks(at(null), [])).toMatchObject([{ type: "notice", level: "warning", text: notice }]);
  expect(welcomeBlocks(at(`ses_${"0".repeat(32)}`), [])).toEqual([]);
});

test("a first screen says why the first prompt would fail, and a session that is gone on with does not", () => {
  const said = welcomeBlocks(opened(null), []);
  expect(said).toMatchObject([{ type: "notice", level: "warning" }]);
  expect(JSON.stringify(said)).toContain("Ollama does not answer at http://127.0.0.1:9");
  expect(welcomeBlocks(opened(`ses_${"0".repeat(32)}`), [])).toEqual([]);
});
