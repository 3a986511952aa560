import assert from "node:assert/strict";
import { test } from "node:test";
import { EventEmitter } from "node:events";
import { once } from "./src/wait.js";
test("leaves no listener and no timer", async () => {
  const emitter = new EventEmitter();
  for (let n = 0; n < 5; n++) {
    const waiting = once(emitter, "x", 2000);
    emitter.emit("x", n);
    assert.equal(await waiting, n);
  }
  assert.equal(emitter.listenerCount("x"), 0);
  await assert.rejects(once(emitter, "x", 5), /timeout/);
  assert.equal(emitter.listenerCount("x"), 0);
  assert.equal(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length, 0);
});
