// The page's side of the engine's worker (core/engine.js), with a worker of the test's own: what waits, what is withdrawn,
// and for what the clock runs. Needs no browser.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { EngineClient } from "../../www/core/engine.js";

let workers = [];
class FakeWorker {
  asked = [];
  ended = false;
  constructor(url, { type }) {
    this.type = type; // read, as by a browser whose workers can be modules
    workers.push(this);
  }
  postMessage(message) {
    this.asked.push(message);
  }
  terminate() {
    this.ended = true;
  }
  says(id, type, value) {
    this.onmessage({ data: { id, type, value } });
  }
  get types() {
    return this.asked.map(({ type }) => type);
  }
}
globalThis.Worker = FakeWorker;

beforeEach(() => {
  workers = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
});

const REQUEST = { lanes: [{}, {}, {}] };
const READING = { messages: [], tokens: [], lane: {}, at: 10 };
const settled = (promise) =>
  Promise.race([
    promise.then(
      (value) => ({ value }),
      (error) => ({ error }),
    ),
    new Promise((resolve) => setImmediate(() => resolve("pending"))),
  ]);

test("a request that waits behind a long one is not declared dead: the clock runs for the one at work", async () => {
  const client = new EngineClient();
  const run = client.run(REQUEST, {});
  const reading = client.activity(READING);
  const [worker] = workers;
  assert.deepEqual(worker.types, ["run"], "the worker is asked for one thing at a time");
  for (let second = 0; second < 300; second += 5) {
    mock.timers.tick(5000);
    worker.says(1, "step", { prompt_read: 9, prompt_total: 9 });
  }
  assert.equal(await settled(reading), "pending");
  worker.says(1, "done", {});
  assert.deepEqual(await settled(run), { value: true });
  assert.deepEqual(worker.types, ["run", "activity"]);
  mock.timers.tick(30_000);
  worker.says(2, "done", "values");
  assert.deepEqual(await settled(reading), { value: "values" });
  assert.equal(worker.ended, false);
});

test("silence of the one at work ends the worker, and what waits with it", async () => {
  const client = new EngineClient();
  const both = [client.run(REQUEST, {}), client.activity(READING)];
  mock.timers.tick(59_000);
  assert.equal(workers[0].ended, false);
  mock.timers.tick(1_500);
  assert.equal(workers[0].ended, true);
  for (const outcome of both) {
    const { error } = await settled(outcome);
    assert.match(error.message, /not answered for 60 seconds/);
    assert.equal(error.fatal, true);
  }
});

test("Stop withdraws a run that waits, and asks the worker to end one at work", async () => {
  const client = new EngineClient();
  client.activity(READING);
  const run = client.run(REQUEST, {});
  client.stop();
  assert.deepEqual(await settled(run), { value: false });
  workers[0].says(1, "done", "values");
  assert.deepEqual(workers[0].types, ["activity"], "it never begins");
  const second = client.run(REQUEST, {});
  client.stop();
  assert.deepEqual(workers[0].types, ["activity", "run", "stop"]);
  workers[0].says(3, "done", {});
  assert.deepEqual(await settled(second), { value: true });
});

test("Cancel withdraws a load that waits, and lets go of one at work; the next begins when the worker is free", async () => {
  const client = new EngineClient();
  client.activity(READING);
  const waiting = client.load({ engine: "cpu" }, {});
  client.cancel();
  assert.equal((await settled(waiting)).error.kind, "cancelled");
  workers[0].says(1, "done", "values");
  assert.deepEqual(workers[0].types, ["activity"]);

  const first = client.load({ engine: "cpu" }, {});
  client.cancel();
  assert.equal(
    (await settled(first)).error.kind,
    "cancelled",
    "at once, whatever the worker is at",
  );
  const next = client.load({ engine: "cpu" }, {});
  assert.deepEqual(workers[0].types, ["activity", "load", "cancel"]);
  workers[0].says(3, "error", { message: "Loading was cancelled.", kind: "cancelled" });
  assert.deepEqual(workers[0].types, ["activity", "load", "cancel", "load"]);
  workers[0].says(4, "done", { chosen: { engine: "cpu" } });
  assert.equal((await settled(next)).value.chosen.engine, "cpu");
});

test("a cancelled load that does not end is ended, and takes nothing with it", async () => {
  const client = new EngineClient();
  const first = client.load({ engine: "cpu" }, {});
  client.cancel();
  await settled(first);
  const next = client.load({ engine: "cpu" }, {});
  mock.timers.tick(6_000);
  assert.equal(workers[0].ended, true);
  assert.deepEqual(workers[1].types, ["load"], "a new worker takes up what waited");
  workers[1].says(2, "done", { chosen: { engine: "cpu" } });
  assert.ok((await settled(next)).value);
});

test("a worker that cannot be started is an error with a way on", async () => {
  globalThis.Worker = class {
    constructor() {
      throw new Error("not here");
    }
  };
  const { error } = await settled(new EngineClient().load({}, {}));
  globalThis.Worker = FakeWorker;
  assert.match(error.message, /could not be started \(not here\)/);
});
