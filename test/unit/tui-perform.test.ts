import { expect, test } from "vitest";
import type { Connection } from "../../src/client/connect.ts";
import { randomHex } from "../../src/client/random.ts";
import type { SessionId } from "../../src/protocol/ids.ts";
import { createPerformer } from "../../src/tui/effects/perform.ts";
import type { SessionLink } from "../../src/tui/session/link.ts";
import { createStore } from "../../src/tui/state/store.ts";
import { connected, SESSION, session } from "../support/tui-state.ts";

/** A daemon that answers when it is told to, and what it was asked, in the order it was asked. */
function slowDaemon() {
  const asked: { key: string; body: unknown; answer: (reply?: object) => void }[] = [];
  const request = (key: string, { body }: { body?: unknown } = {}) => {
    const { promise, resolve } = Promise.withResolvers<object>();
    asked.push({ key, body, answer: (reply = {}) => resolve(reply) });
    return promise;
  };
  const { workspace } = connected().replica ?? {};
  const connection = { workspace, request } as unknown as Connection;
  const store = createStore(connected({ sessions: [session()], session_id: SESSION }));
  const show = async (id: SessionId | null) => {
    store.set(connected({ sessions: [session()], session_id: id }));
  };
  const performer = createPerformer(
    {
      print: () => {},
      ready: Promise.resolve({ connection, link: { show } as SessionLink }),
      store,
      newId: (prefix) => `${prefix}_${randomHex(16)}`,
      update: (change) => store.set(change(store.get())),
      giveBack: () => {},
    },
    new AbortController().signal,
  );
  return { asked, performer };
}

test("a prompt sent right behind a change of the session runs as the change says", async () => {
  const { asked, performer } = slowDaemon();
  const send = { do: "send", text: "and that", delivery: "queue", attachments: [] } as const;
  const all = [
    performer.perform({ do: "change_session", changes: { mode: "plan" } }),
    performer.perform({ do: "change_session", changes: { mode: "ask" } }),
    performer.perform(send),
  ];
  const bodies = [{ mode: "plan" }, { mode: "ask" }, { prompt: "and that" }];
  for (const [index, body] of bodies.entries()) {
    await new Promise(setImmediate);
    expect(asked).toHaveLength(index + 1);
    expect(asked[index]?.body).toMatchObject(body);
    asked[index]?.answer();
  }
  await Promise.all(all);
});

test("a prompt sent right behind a fork is for the fork", async () => {
  const { asked, performer } = slowDaemon();
  const forked = performer.perform({ do: "fork", id: SESSION });
  const sent = performer.perform({ do: "send", text: "and that", delivery: "queue", attachments: [] });
  await new Promise(setImmediate);
  expect(asked.map(({ key }) => key)).toEqual(["POST /v1/workspaces/{wid}/sessions/{sid}/fork"]);
  const fork = `ses_${"f".repeat(32)}` as const;
  asked[0]?.answer({ session: session({ id: fork }) });
  await forked;
  await new Promise(setImmediate);
  expect(asked[1]?.body).toMatchObject({ prompt: "and that", session_id: fork });
  asked[1]?.answer();
  await sent;
});
