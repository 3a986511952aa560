import { expect, test } from "vitest";
import type { Replica } from "../../src/client/replica.ts";
import type { Agent } from "../../src/protocol/agent.ts";
import { welcomeBlocks } from "../../src/tui/view/opening.ts";

const unready: Agent = {
  ...{ name: "hearth", backend: "native", status: "error", fix: "ollama serve", version: null, model: null },
  reason: "Ollama does not answer at http://127.0.0.1:9 (OLLAMA_HOST); start it with: ollama serve.",
  ...{ models: [], modes: [], commands: [] },
};
const opened = (session_id: Replica["session_id"]) =>
  ({ session_id, agents: [unready] }) as unknown as Replica;

test("a first screen says why the first prompt would fail, and a session that is gone on with does not", () => {
  const said = welcomeBlocks(opened(null), []);
  expect(said).toMatchObject([{ type: "notice", level: "warning" }]);
  expect(JSON.stringify(said)).toContain("Ollama does not answer at http://127.0.0.1:9");
  expect(welcomeBlocks(opened(`ses_${"0".repeat(32)}`), [])).toEqual([]);
});
