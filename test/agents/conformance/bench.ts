import { expect, onTestFinished } from "vitest";
import type { WarmLimits } from "../../../src/agent/children/warm-keeper.ts";
import type { RunId } from "../../../src/protocol/ids.ts";
import type { ToolCallPart } from "../../../src/protocol/message.ts";
import { type AgentWorld, createPlace, openAgentWorld, type Place } from "../../support/agent-world.ts";
import { backendOf, nativeBackend } from "../../support/backend-plan.ts";
import { type ModelServer, startModelServer } from "../../support/model-server.ts";
import { isAlive, processesOf, readProcess } from "../../support/processes.ts";
import type { Running, Steps, Subject } from "./subjects.ts";

export type Open = {
  world: AgentWorld;
  place: Place;
  running: Running;
  agent: string;
  otherModel: ModelServer;
};
type OpenOptions = {
  warm?: Partial<WarmLimits>;
  /** hearth's own agent is there too. */
  other?: boolean;
};

/** A machine with the agent's model, on which a daemon can be started, and started again. */
export type Ground = {
  place: Place;
  running: Running;
  start(options?: OpenOptions): Promise<Open>;
  /** The daemon stops. */
  stop(): Promise<void>;
};

/** What the tests of one subject are written with. Every test has a machine of its own, and leaves nobody alive. */
export function benchFor(subject: Subject) {
  async function prepare(): Promise<Ground> {
    const place = createPlace();
    const model = await startModel();
    // Of its own: agents ask theirs for more than the conversation.
    const otherModel = await startModel();
    const running = await subject.start(place, model);
    const worlds: AgentWorld[] = [];
    let last: AgentWorld | undefined;
    async function stop() {
      await last?.close();
      last = undefined;
    }
    onTestFinished(async () => {
      await stop();
      await running.close();
      await Promise.all([model.close(), otherModel.close()]);
      const left = processesOf(place.base).map(({ pid, command }) => `${pid} ${command}`);
      place.remove();
      expect(left).toEqual([]);
      expect(worlds.flatMap(({ reports }) => reports)).toEqual([]);
    });
    return {
      place,
      running,
      async start({ warm, other = false } = {}) {
        const world = await openAgentWorld({
          place,
          ...(warm ? { warm } : {}),
          backends: (means) => ({
            [running.agent]: backendOf(running.plan, means, running.served),
            ...(other ? { hearth: nativeBackend(means, otherModel.baseUrl) } : {}),
          }),
        });
        worlds.push(world);
        last = world;
        return { world, place, running, otherModel, agent: running.agent };
      },
      stop,
    };
  }

  const open = async (options: OpenOptions = {}): Promise<Open> => (await prepare()).start(options);

  /** Sends a prompt whose turn goes like that. */
  function send({ world, running }: Pick<Open, "world" | "running">, text: string, steps: Steps): RunId {
    running.will(steps);
    return world.prompt(text);
  }

  return {
    subject,
    hasChild: subject.kind !== "native",
    prepare,
    open,
    send,
    /** A turn after whatever happened is a turn like any other. */
    async expectCleanTurn(at: Open, word: string) {
      const end = await at.world.ended(send(at, `Say ${word}`, [[{ say: word }]]));
      expect(end).toMatchObject({ outcome: "end_turn", text: word });
      expect(at.running.lastTold()).toContain(`Say ${word}`);
      return end;
    },
    /** What it is told after a restart: `words` from its own memory, or from hearth's. */
    expectMemory({ running }: Pick<Open, "running">, words: string) {
      const wasTold = running.lastTold().includes("conversation_so_far");
      if (subject.kind !== "native") expect(wasTold).toBe(!subject.keepsConversations);
      // The scripted one has no model that is told everything.
      if (subject.name !== "scripted") expect(running.lastTold()).toContain(words);
    },
  };
}
export type Bench = ReturnType<typeof benchFor>;

/** Agents' requests are theirs to answer for. */
const startModel = () => startModelServer({ isStrict: false });

export const callsOf = (world: AgentWorld, runId: RunId): ToolCallPart[] =>
  world.partsOf(runId).filter((part) => part.type === "tool_call");

export const isRunning = (pid: number): boolean => {
  const found = readProcess(pid);
  return found !== undefined && isAlive(found);
};
