import { expect, test } from "vitest";
import { executeCalls, type ReadyCall } from "../../src/agent/native/execute.ts";

const refused = (id: string): ReadyCall => ({
  id,
  name: "bash",
  checked: { ok: false, why: "schema", text: "too long", given: {}, tool: undefined },
});

function recorded() {
  const happened: string[] = [];
  const deps = {
    host: {
      emit: (event: object) => void happened.push((event as { type: string }).type),
      authorize: () => Promise.reject(new Error("nothing is asked")),
    },
    context: {} as never,
    turns: {
      isOver: () => true,
      async rest() {
        happened.push("rest");
      },
    },
    onPath() {},
  };
  return { happened, deps };
}

test("others are served between the groups of calls, each of which may hold megabytes", async () => {
  const { happened, deps } = recorded();
  const calls = Array.from({ length: 9 }, (_, at) => refused(`call_${at}`));
  await executeCalls(calls, deps, new AbortController().signal);
  expect(happened.filter((what) => what === "rest")).toHaveLength(2);
  expect(happened[0]).toBe("rest");
});

test("a run that was canceled while others were served carries out nothing more", async () => {
  const { happened, deps } = recorded();
  const stop = new AbortController();
  deps.turns.rest = async () => stop.abort();
  expect(await executeCalls([refused("call_0")], deps, stop.signal)).toBeUndefined();
  expect(happened).toEqual([]);
});
