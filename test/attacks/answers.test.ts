// attacks.md A16 and design.md §9: what an agent starts cannot answer for the person, and widens nothing.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPersonCheck } from "../../src/server/http/person-check.ts";
import { eventually } from "../support/happenings.ts";
import { launcher } from "../support/home.ts";
import { say, toolResults } from "../support/model-server.ts";
import { openWorld } from "../support/world.ts";

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

test.skipIf(!hasCurl)(
  "a command that an agent runs neither answers a question nor widens a mode",
  async () => {
    const world = await openWorld({ isAlone: true });
    const other = await world.createSession();
    const victim = await world.terminal("victim", { sid: other.id });
    world.model.enqueue(say({ call: "bash", input: { command: "touch evil" } }));
    const asked = await victim.prompt("touch it");
    const question = await victim.question();

    const of = (path: string) => `http://x/v1/workspaces/${world.wid}${path}?client_id=victim`;
    const curl = (method: string, path: string, body: object) =>
      `/usr/bin/curl -s -o /dev/null -w '%{http_code} ' --unix-socket '${world.daemon.socket}' -X ${method} ` +
      `-H 'content-type: application/json' -d '${JSON.stringify(body)}' '${of(path)}'`;
    const answer = curl("POST", `/permissions/${question.id}`, { decision: "allow_once" });
    const hidden = join(world.home.project, "hidden.txt");
    world.home.write(
      "attack.sh",
      [
        answer,
        curl("PATCH", `/sessions/${other.id}`, { mode: "yolo" }),
        curl("POST", "/sessions", { mode: "yolo" }),
        curl("POST", "/sessions", { agent_mode: "bypassPermissions" }),
        curl("POST", "/agent", { session_id: other.id, prompt: "go on", mode: "accept_edits" }),
        curl("POST", "/agent", { session_id: other.id, prompt: "touch evil", agent: "shell" }),
        curl("POST", "/trust", { hash: "0".repeat(64) }),
        curl("PUT", `/sessions/${other.id}/mcp`, {
          servers: [{ transport: "stdio", name: "evil", command: "touch", args: ["evil"], env: {} }],
        }),
        // A process of its own, with no mark in its environment and no parent that anybody knows.
        `cat > hidden.sh <<'END'\n${answer} >> hidden.txt\necho >> hidden.txt\nEND`,
        "env -i /usr/bin/setsid -f sh hidden.sh",
        `HEARTH_HOME='${world.home.dir}' '${process.execPath}' '${launcher}' run --permission-mode yolo 'go on' 2>&1 || echo "exit $?"`,
      ].join("\n"),
    );
    const person = await world.terminal("person");
    world.model.enqueue(say({ call: "bash", input: { command: "sh attack.sh" } }), say("ok"));
    const { run_id } = await person.prompt("attack");
    await person.answer(await person.question(), "allow_once");
    expect((await person.completed(run_id)).outcome).toBe("end_turn");
    const [result] = toolResults(await world.model.request(2));
    expect(result?.text).toContain("403 403 403 403 403 403 403 403");
    expect(result?.text).toContain("Only a person can allow this");
    expect(result?.text).toMatch(/exit [1-9]/);
    expect(await eventually(() => existsSync(hidden) && readFileSync(hidden, "utf8"), "the hidden try")).toBe(
      "403 \n",
    );
    expect(await victim.session()).toMatchObject({ mode: "ask", state: "waiting" });
    expect(world.daemon.log()).toContain("Only a person can allow this");

    world.model.enqueue(say("ok"));
    await victim.answer(question, "allow_once");
    expect((await victim.completed(asked.run_id)).outcome).toBe("end_turn");
  },
);

test("where nothing can ask the kernel who is there, a connection of any child of the daemon's refuses", async () => {
  const socket = {} as Parameters<ReturnType<typeof createPersonCheck>>[0];
  const check = (isConnected: boolean) =>
    createPersonCheck(
      { include: () => false, holdConnection: async () => isConnected, holdTcp: async () => false },
      { warn: () => {} },
      async () => undefined,
    )(socket);
  await expect(check(true)).rejects.toMatchObject({ code: "forbidden" });
  await expect(check(false)).resolves.toBeUndefined();
});
