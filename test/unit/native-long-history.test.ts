import type { LanguageModelV4 } from "@ai-sdk/provider";
import { expect, onTestFinished, test } from "vitest";
import { createHistory } from "../../src/agent/native/context/history.ts";
import { phrases } from "../../src/agent/native/context/phrases.ts";
import type { PromptMessage } from "../../src/agent/native/models/model.ts";
import { captureRequest, streamFromSdk } from "../../src/agent/native/models/request/sdk.ts";
import { SLICE_MESSAGES } from "../../src/agent/native/models/request/slices.ts";
import { createTimeSlice } from "../../src/async/time-slice.ts";
import type { Message } from "../../src/protocol/message.ts";
import { newId } from "./native-host.ts";

const message = (role: Message["role"], part: object): Message => ({
  ...{ id: newId("msg"), session_id: newId("ses"), run_id: newId("run"), seq: 1, role, agent: "hearth" },
  ...{ model: "m", parts: [{ id: newId("prt"), ...part } as Message["parts"][number]] },
  ...{ finish_reason: "end_turn", created_at: "", updated_at: "", completed_at: "" },
});
const prompt = () => message("user", { type: "text", text: "go on" });
/** Its server counts from zero in every answer. */
const answer = () =>
  message("assistant", {
    ...{ type: "tool_call", tool_call_id: "call_0", name: "read", kind: "read", title: "a.txt" },
    ...{ input: { path: "a.txt" }, status: "completed", output: "some words" },
  });
const historyIn = (newSlice = createTimeSlice) =>
  createHistory(
    {
      ...{
        agent: "hearth",
        model: "m",
        traits: { userAfterTool: true, callIds: "plain", resultMedia: false, search: "none" },
        phrases,
      },
      ...{ accepts: () => true, loadFile: () => Promise.reject(new Error("there is no file")) },
    },
    newSlice,
  );
const build = (history: ReturnType<typeof historyIn>, messages: readonly Message[], signal?: AbortSignal) =>
  history(messages, "", new Map(), signal ?? new AbortController().signal);

test("others are served while the request of a long conversation is made", async () => {
  let served = 0;
  let next: NodeJS.Immediate;
  const serve = () => {
    served += 1;
    next = setImmediate(serve);
  };
  next = setImmediate(serve);
  onTestFinished(() => clearImmediate(next));
  const messages = Array.from({ length: 50 }, prompt);
  await build(
    historyIn(() => createTimeSlice(0)),
    messages,
  );
  expect(served).toBeGreaterThanOrEqual(messages.length - 1);
});

test("a run that is canceled meanwhile makes no request", async () => {
  const stop = new AbortController();
  const reason = new Error("canceled");
  const isOver = () => true;
  const rest = async () => stop.abort(reason);
  const history = historyIn(() => ({ isOver, rest }));
  await expect(build(history, [prompt()], stop.signal)).rejects.toBe(reason);
});

test("calls that had to be given other ids are the same objects in the next request", async () => {
  const history = historyIn();
  const messages = [prompt(), answer(), answer(), answer()];
  const first = await build(history, messages);
  const second = await build(history, [...messages, prompt()]);
  const calls = first.filter(({ role }) => role !== "user");
  expect(new Set(JSON.stringify(calls).match(/call_0\w*/g)).size).toBe(3);
  for (const told of calls) expect(second).toContain(told);
});

/** What happens, in order, while a request of these messages is made. */
async function happenedFor(messages: readonly PromptMessage[]): Promise<string[]> {
  const happened: string[] = [];
  const model = {
    doStream() {
      happened.push("built");
      return captureRequest("http://127.0.0.1/", { body: '{"messages":[1]}' });
    },
  } as unknown as LanguageModelV4;
  const fetch = async () => {
    happened.push("sent");
    throw new Error("nobody listens");
  };
  const origin = {
    ...{ label: "x", keyFrom: null, addressFrom: "x", baseUrl: "x", model: "m" },
    secrets: [],
  };
  const turns = { isOver: () => true, rest: async () => void happened.push("rest") };
  const deps = {
    ...{ fetch, createReader: () => Promise.reject() as never, origin },
    ...{ list: "messages" as const, lengthen: (text: string) => text },
  };
  const call = {
    system: { role: "system" as const, content: "" },
    ...{ messages, tools: [], write: (message: PromptMessage) => message },
  };
  const answers = streamFromSdk(model, call, deps, new AbortController().signal, turns);
  await expect(answers.next()).rejects.toThrow();
  return happened;
}

test("a request is sent in another turn than it is built in", async () => {
  expect(await happenedFor([])).toEqual(["built", "rest", "sent"]);
});

test("a long conversation is converted in several turns", async () => {
  const said = (role: "user" | "assistant"): PromptMessage => ({
    role,
    content: [{ type: "text", text: "x" }],
  });
  const messages = Array.from({ length: 2 * SLICE_MESSAGES + 2 }, (_, at) =>
    said(at % 2 === 0 ? "user" : "assistant"),
  );
  const slice = ["built", "rest"];
  expect(await happenedFor(messages)).toEqual([...slice, ...slice, ...slice, "rest", "sent"]);
});
