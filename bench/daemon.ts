// What the daemon adds between a client and a model: `npm run bench -- daemon [--write]`.
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { setTimeout as pass } from "node:timers/promises";
import { createApi } from "../test/support/api.ts";
import { createGate } from "../test/support/happenings.ts";
import { localConfig } from "../test/support/home.ts";
import { say } from "../test/support/model-server.ts";
import { type BenchWorld, openBenchWorld } from "./measure/bench-world.ts";
import { startFloor } from "./measure/floor.ts";
import { type Row, report, sample } from "./measure/report.ts";
import { startStepModel } from "./measure/step-model.ts";

const ROUNDS = 200;
const CANCEL_ROUNDS = 200;
const EVENTS = 2000;
const FRESH_DAEMONS = 5;
/** As long as a person takes at the least between a terminal's start and the first Enter. */
const FIRST_PAUSE_MS = 1200;
const PAUSED_ROUNDS = 100;
const PERSON_PAUSE_MS = 60;
const STEPS = 500;

/** A client with nothing of hearth's between itself and the model. */
function createBareClient(origin: string) {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(origin);
  const body = JSON.stringify({ model: "big", stream: true, messages: [{ role: "user", content: "hello" }] });
  return async (): Promise<{ response: IncomingMessage; hangUp(): void }> => {
    let hangUp = () => {};
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest(
        { hostname, port, agent, method: "POST", path: "/v1/chat/completions" },
        resolve,
      );
      hangUp = () => void request.destroy();
      request.on("error", reject).end(body);
    });
    response.on("error", () => {}); // it was hung up
    return { response, hangUp };
  };
}

async function postTo202(world: BenchWorld): Promise<Row> {
  const floor = await startFloor(world.home.folder("floor"));
  const bare = createApi(floor.socket, "bench");
  const floors = await sample(ROUNDS, async () => {
    const began = performance.now();
    await bare.expect(202, "POST", "/", { body: { session_id: world.sid, prompt: "hello" } });
    return performance.now() - began;
  });
  const samples = await sample(ROUNDS, async () => {
    const began = performance.now();
    const { run_id } = await world.prompt("hello");
    const taken = performance.now() - began;
    await world.completed(run_id);
    return taken;
  });
  bare.close();
  await floor.close();
  return { name: "POST to 202", unit: "ms", samples, floor: floors, aim: "p50 < 5", p99: true };
}

async function postToModel(world: BenchWorld): Promise<Row> {
  const ask = createBareClient(world.model.origin);
  const floor = await sample(ROUNDS, async () => {
    const index = world.model.requests.length;
    const began = performance.now();
    const { response } = await ask();
    response.resume();
    const request = await world.model.request(index);
    await request.closed;
    return request.receivedAt - began;
  });
  const samples = await sample(ROUNDS, async () => {
    const index = world.model.requests.length;
    const began = performance.now();
    const { run_id } = await world.prompt("hello");
    const request = await world.model.request(index);
    await world.completed(run_id);
    return request.receivedAt - began;
  });
  return { name: "POST to the request at the model", unit: "ms", samples, floor, aim: "p50 < 15", p99: true };
}

async function firstByte(world: BenchWorld): Promise<Row> {
  const ask = createBareClient(world.model.origin);
  const floor = await sample(ROUNDS, async () => {
    const gate = createGate();
    world.model.enqueue(say({ until: gate.passed }, "word"));
    const { response } = await ask();
    const arrived = new Promise<number>((resolve) => response.once("data", () => resolve(performance.now())));
    const opened = performance.now();
    gate.open();
    const at = await arrived;
    response.resume();
    return at - opened;
  });
  const samples = await sample(ROUNDS, async () => {
    const gate = createGate();
    const index = world.model.requests.length;
    world.model.enqueue(say({ until: gate.passed }, "word"));
    const { run_id } = await world.prompt("hello");
    await world.model.request(index);
    const since = world.events.lastSeq() ?? 0;
    const arrived = world.events.untilAfter(since, "part.delta").then(() => performance.now());
    const opened = performance.now();
    gate.open();
    const at = await arrived;
    await world.completed(run_id);
    return at - opened;
  });
  return {
    name: "first byte at the model to first delta at a client",
    unit: "ms",
    samples,
    floor,
    aim: "p50 < 5",
    p99: true,
  };
}

async function cancelToClosed(world: BenchWorld): Promise<Row> {
  const ask = createBareClient(world.model.origin);
  const floor = await sample(CANCEL_ROUNDS, async () => {
    const index = world.model.requests.length;
    world.model.enqueue(say("word", { stop: "hang" }));
    const { response, hangUp } = await ask();
    await new Promise((resolve) => response.once("data", resolve));
    const began = performance.now();
    hangUp();
    return (await (await world.model.request(index)).closed).at - began;
  });
  const samples = await sample(CANCEL_ROUNDS, async () => {
    const index = world.model.requests.length;
    const since = world.events.lastSeq() ?? 0;
    world.model.enqueue(say("word", { stop: "hang" }));
    const { run_id } = await world.prompt("hello");
    const request = await world.model.request(index);
    await world.events.untilAfter(since, "part.delta");
    const began = performance.now();
    await world.cancel();
    const { at } = await request.closed;
    await world.completed(run_id);
    return at - began;
  });
  return {
    name: "cancel to the model's connection closed",
    unit: "ms",
    samples,
    floor,
    aim: "p50 < 20, p99 < 100",
    p99: true,
  };
}

/** Reads `clients` streams at once while `start` makes events; resolves with deliveries a second. */
async function countDeliveries(
  stream: { socketPath: string; path: string; clients: number; last: string },
  start: () => Promise<unknown>,
): Promise<number> {
  let frames = 0;
  const open = await Promise.all(
    Array.from({ length: stream.clients }, async (_, index) => {
      let hangUp = () => {};
      const socketPath = stream.socketPath;
      const path = `${stream.path}-${index}`;
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = httpRequest({ socketPath, path, agent: false }, resolve).on("error", reject);
        hangUp = () => void request.destroy();
        request.end();
      });
      response.setEncoding("utf8");
      response.on("error", () => {}); // it was hung up
      const done = new Promise<void>((resolve) => {
        let tail = "";
        response.on("data", (chunk: string) => {
          frames += chunk.split("\ndata: ").length - 1;
          tail = (tail + chunk).slice(-2048);
          if (tail.includes(stream.last)) resolve();
        });
      });
      return { done, hangUp };
    }),
  );
  frames = 0;
  const began = performance.now();
  await start();
  await Promise.all(open.map(({ done }) => done));
  const seconds = (performance.now() - began) / 1000;
  for (const { hangUp } of open) hangUp();
  return frames / seconds;
}

/** Stored events, one transaction each, asked for by a client over HTTP; the floor only writes its frames. */
async function deliveries(world: BenchWorld, clients: number): Promise<Row> {
  const floorServer = await startFloor(world.home.folder(`floor-${clients}`));
  const bare = createApi(floorServer.socket, "bench");
  const floorStream = {
    socketPath: floorServer.socket,
    path: "/stream",
    clients,
    last: `word${EVENTS - 1} `,
  };
  const burst = () => bare.call("POST", `/burst?n=${EVENTS}`);
  const floor = await sample(5, () => countDeliveries(floorStream, burst), 1);
  bare.close();
  await floorServer.close();

  const samples = await sample(
    5,
    (round) => {
      const path = `/v1/workspaces/${world.wid}/events?client_id=reader`;
      const last = `last of ${clients} ${round}`;
      const rename = (title: string) =>
        world.api.expect(200, "PATCH", `/v1/workspaces/${world.wid}/sessions/${world.sid}`, {
          body: { title },
        });
      return countDeliveries({ socketPath: world.daemon.socket, path, clients, last }, async () => {
        let left = EVENTS;
        const work = async () => {
          while (left > 0) {
            left -= 1;
            await rename(`title ${left}`);
          }
        };
        await Promise.all(Array.from({ length: 16 }, work));
        await rename(last);
      });
    },
    1,
  );
  const plural = clients === 1 ? "" : "s";
  return { name: `events delivered a second, ${clients} client${plural}`, unit: "1/s", samples, floor };
}

/** What a daemon's first prompt takes that has rested since a terminal has attached, as a person does who types. */
async function firstPrompts(): Promise<Row> {
  const samples = await sample(
    FRESH_DAEMONS,
    async () => {
      const fresh = await openBenchWorld();
      try {
        await pass(FIRST_PAUSE_MS);
        const began = performance.now();
        const { run_id } = await fresh.prompt("hello");
        const { receivedAt } = await fresh.model.request(0);
        await fresh.completed(run_id);
        return receivedAt - began;
      } finally {
        await fresh.close();
      }
    },
    1,
  );
  return { name: "POST to the request at the model, a daemon's first", unit: "ms", samples, aim: "p50 < 30" };
}

/** As `postToModel`, with the pauses in which processors go cold that people make. */
async function pausedPrompts(world: BenchWorld): Promise<Row[]> {
  const accepted: number[] = [];
  const samples = await sample(PAUSED_ROUNDS, async (round) => {
    await pass(PERSON_PAUSE_MS);
    const index = world.model.requests.length;
    const began = performance.now();
    const { run_id } = await world.prompt("hello");
    if (round >= 0) accepted.push(performance.now() - began);
    const request = await world.model.request(index);
    await world.completed(run_id);
    return request.receivedAt - began;
  });
  return [
    { name: "POST to 202, after a pause", unit: "ms", samples: accepted, aim: "p50 < 5", p99: true },
    { name: "POST to the request at the model, after a pause", unit: "ms", samples, aim: "", p99: true },
  ];
}

/** One turn of many steps, each a file that is read: from the end of an answer to the next request. */
async function toolSteps(): Promise<Row[]> {
  const world = await openBenchWorld();
  const model = await startStepModel("read", STEPS, (index) => ({ path: "a.txt", offset: 1 + (index % 40) }));
  try {
    world.home.config(localConfig(model.baseUrl));
    world.home.write("a.txt", "some words of a line that is read again and again\n".repeat(80));
    await world.prompt("read it");
    await model.done;
    const overhead = model.steps
      .slice(1)
      .map(({ receivedAt }, index) => receivedAt - (model.steps[index]?.endedAt ?? Number.NaN));
    const megabytes = ((model.steps.at(-1)?.bytes ?? 0) / 1e6).toFixed(1);
    return [
      { name: "one tool step, the first 50", unit: "ms", samples: overhead.slice(0, 50), aim: "p50 < 8" },
      {
        name: `one tool step, the last 50 of ${STEPS} (${megabytes} MB a request)`,
        unit: "ms",
        samples: overhead.slice(-50),
        aim: "p50 < 10",
      },
    ];
  } finally {
    model.close();
    await world.close();
  }
}

const first = await firstPrompts();
const world = await openBenchWorld();
try {
  const rows = [
    await postTo202(world),
    first,
    await postToModel(world),
    ...(await pausedPrompts(world)),
    await firstByte(world),
    await cancelToClosed(world),
    ...(await toolSteps()),
  ];
  for (const clients of [1, 10, 100]) rows.push(await deliveries(world, clients));
  report("Daemon", rows, "bench-daemon.md");
} finally {
  await world.close();
}
