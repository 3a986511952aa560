import { expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { pathsHere } from "../../src/client/here.ts";
import type { Session } from "../../src/protocol/session.ts";
import { runHearth } from "../support/cli.ts";
import { openWarmCliWorld } from "../support/cli-world.ts";
import type { Home } from "../support/home.ts";
import { say } from "../support/model-server.ts";

async function sessionsOf(home: Home, ...more: string[]): Promise<Session[]> {
  const { stdout } = await runHearth(home, ["sessions", "list", "--json", ...more]);
  return JSON.parse(stdout) as Session[];
}

/** As somebody in a terminal would. */
async function archive(home: Home, { id, workspace_id }: Session) {
  const client = createClient({ socketPath: pathsHere(home.env).socket, clientId: "test" });
  const params = { wid: workspace_id, sid: id };
  await client.request("PATCH /v1/workspaces/{wid}/sessions/{sid}", { params, body: { archived: true } });
  client.close();
}

test("a session is named by the beginning of its id, also once it is archived", async () => {
  const { home, model } = await openWarmCliWorld();
  model.enqueue(say("The first answer."), say("The second answer."));
  await runHearth(home, ["run", "one"]);
  await runHearth(home, ["run", "two"]);
  const [newest] = await sessionsOf(home);
  if (newest === undefined) throw new Error("there is no session");
  const listed = newest.id.slice(0, 12);

  const shown = await runHearth(home, ["sessions", "show", listed]);
  expect(shown.stdout).toContain("The second answer.");
  await archive(home, newest);
  expect(await sessionsOf(home)).toHaveLength(1);
  expect((await sessionsOf(home, "--all")).map(({ id }) => id)).toContain(newest.id);
  expect(await runHearth(home, ["sessions", "show", listed])).toEqual(shown);

  const deleted = await runHearth(home, ["sessions", "delete", listed]);
  expect(deleted).toMatchObject({ code: 0, stdout: `Deleted ${newest.id} (two).\n` });
  const gone = await runHearth(home, ["sessions", "show", listed]);
  expect(gone).toMatchObject({ code: 2, stdout: "" });
  expect(gone.stderr).toMatch(
    /^hearth: There is no session ses_\w+ in \S+: `hearth sessions list --all` shows/,
  );
});

test("a beginning that several sessions share is not guessed at", async () => {
  const { home, model } = await openWarmCliWorld();
  model.enqueue(say("one"), say("two"));
  await runHearth(home, ["run", "one"]);
  await runHearth(home, ["run", "two"]);
  const refused = await runHearth(home, ["sessions", "delete", "ses_"]);
  expect(refused).toMatchObject({
    code: 2,
    stderr: "hearth: Several sessions begin with ses_: give more of the id.\n",
  });
  expect(await sessionsOf(home)).toHaveLength(2);
});
