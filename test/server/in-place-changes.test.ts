import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Change } from "../../src/protocol/change.ts";
import { say } from "../support/model-server.ts";
import { openWorld } from "../support/world.ts";

const lines = (...changed: readonly (readonly [number, string])[]): string => {
  const all = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`);
  for (const [line, text] of changed) all[line - 1] = text;
  return `${all.join("\n")}\n`;
};

test("what a turn changed in place is shown by file and hunk, and taken out again by either", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const { model, home } = world;
  const terminal = await world.terminal("first");
  const { api } = terminal;
  const read = (name: string) => readFileSync(join(home.project, name), "utf8");
  const list = async () =>
    (
      await api.expect<{ changes: Change[] }>(
        200,
        "GET",
        terminal.path(`/changes?session_id=${terminal.sid}`),
      )
    ).changes;
  const revert = (change: Change | undefined, body: Record<string, unknown> = {}) =>
    api.call("POST", terminal.path(`/changes/${change?.id}/revert`), { body });

  home.write("a.txt", lines());
  expect(await list()).toEqual([]);
  model.enqueue(
    say("Working.", {
      call: "bash",
      input: { command: "sed -i 's/^line 3$/THREE/; s/^line 25$/FIVE/' a.txt && echo new > b.txt" },
    }),
    say("Done."),
  );
  await terminal.ask("change the files");
  await terminal.events.until("changes.updated");
  const [a, b] = await list();
  expect([a, b]).toMatchObject([
    { path: "a.txt", kind: "modified", state: "applied", agent: "hearth", additions: 2, deletions: 2 },
    { path: "b.txt", kind: "added", state: "applied", agent: "hearth" },
  ]);
  expect(a?.hunks.map(({ state }) => state)).toEqual(["applied", "applied"]);

  const whole = await api.call("GET", terminal.path(`/changes/${a?.id}/text`));
  expect(whole.json).toEqual({ text: lines([3, "THREE"], [25, "FIVE"]), reason: null });

  // By hand, elsewhere in the file: a hunk is taken out and the person's line stays.
  home.write("a.txt", lines([3, "THREE"], [14, "mine"], [25, "FIVE"]));
  expect(await revert(a, { hunks: [a?.hunks[0]?.id] })).toMatchObject({ status: 200 });
  expect(read("a.txt")).toBe(lines([14, "mine"], [25, "FIVE"]));
  expect((await list())[0]?.hunks.map(({ state }) => state)).toEqual(["reverted", "applied"]);

  // Where the person changed the same line, nothing is written, and both sides are told.
  home.write("a.txt", lines([14, "mine"], [25, "my own five"]));
  expect(await revert(a)).toMatchObject({
    status: 409,
    json: { error: { code: "conflict", details: { paths: ["a.txt"] } } },
  });
  expect(read("a.txt")).toBe(lines([14, "mine"], [25, "my own five"]));
  expect((await list())[0]?.conflict?.ours).toContain("+my own five");
  // The way on: the person's line stays, or the lines from before the change come back.
  expect(await revert(a, { resolve: "ours" })).toMatchObject({ status: 200 });
  expect(read("a.txt")).toBe(lines([14, "mine"], [25, "my own five"]));
  const [undone] = await list();
  expect([undone?.state, undone?.conflict]).toEqual(["reverted", undefined]);
  home.write("a.txt", lines([3, "THREE"], [14, "mine"], [25, "FIVE"]));
  await api.expect(200, "POST", terminal.path(`/changes/${a?.id}/apply`), { body: {} });
  home.write("a.txt", lines([3, "THREE"], [14, "mine"], [25, "my own five"]));
  expect(await revert(a)).toMatchObject({ status: 409 });
  expect(
    await api.call("POST", terminal.path("/changes/revert"), {
      body: { ids: [a?.id], resolve: "theirs" },
    }),
  ).toMatchObject({ status: 200 });
  expect(read("a.txt")).toBe(lines([14, "mine"]));

  expect(await revert(b)).toMatchObject({ status: 200, json: { change: { state: "reverted" } } });
  expect(existsSync(join(home.project, "b.txt"))).toBe(false);
  const again = await api.call("POST", terminal.path(`/changes/${b?.id}/apply`), { body: {} });
  expect(again).toMatchObject({ status: 200, json: { change: { state: "applied" } } });
  expect(read("b.txt")).toBe("new\n");

  home.write("a.txt", lines([3, "THREE"], [25, "FIVE"]));
  await api.expect(200, "POST", terminal.path(`/sessions/${terminal.sid}/undo`));
  expect(read("a.txt")).toBe(lines());
  expect(await list()).toEqual([]);
  expect(await revert(a)).toMatchObject({ status: 404, json: { error: { code: "change_not_found" } } });
});
