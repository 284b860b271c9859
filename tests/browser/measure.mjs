// What a page tells of its own visit: paints, shifts, long tasks, when the recorded run can be explored, and the phases of loading.
//
//     await watch(page);                  // before page.goto
//     await page.goto(url);
//     const seen = await opening(page);   // waits for the recorded run, and for what is fetched when the page is at rest
//     const live = await run(page, hash); // a live run at these settings, to its end
//     const stop = await busy(page);      // from now on: the main thread's tasks
//     const tasks = await stop();         // milliseconds of processor time of each, longest first
//
// Times are in milliseconds from the navigation. A long task is the browser's: the main thread not free for more than 50 ms. Where
// processes share few processors, most of that is waiting for one; a task's own processor time is what the page is to blame for.

/** Settings that depend neither on the GPU nor on where an answer ends: 64 tokens in each of three lanes. */
export const RUN =
  "#engine=cpu&max=64&prompt=Tell%20me%20a%20long%20story%20about%20a%20lighthouse.";

export const watch = (page) =>
  page.addInitScript(() => {
    const seen = (window.seen = {
      largest: 0,
      shift: 0,
      tasks: [],
      scripts: [],
      drawn: 0,
      states: [],
      phases: {},
    });
    const observe = (type, note) =>
      new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({
        type,
        buffered: true,
      });
    observe("largest-contentful-paint", ({ startTime }) => (seen.largest = startTime));
    observe("layout-shift", ({ value, hadRecentInput }) => hadRecentInput || (seen.shift += value));
    observe("longtask", ({ startTime: at, duration }) => seen.tasks.push({ at, duration }));
    observe("long-animation-frame", ({ scripts }) =>
      scripts.forEach(({ startTime: at, duration, invoker, sourceURL }) =>
        seen.scripts.push({
          at,
          duration,
          invoker,
          source: new URL(sourceURL || "about:blank", location).pathname,
        }),
      ),
    );
    new MutationObserver(() => {
      const { state } = document.documentElement?.dataset ?? {};
      if (state && seen.states.at(-1)?.state !== state)
        seen.states.push({ state, at: performance.now() });
    }).observe(document, {
      subtree: true,
      attributes: true,
      attributeFilter: ["data-state"],
      childList: true,
    });
    // The frame in which three answers and a painted board stand. The board sizes its canvas when it paints.
    const look = () => {
      const there =
        document.querySelectorAll("[data-part=lane]").length > 1 &&
        document.querySelector("canvas.cells")?.style.inlineSize;
      if (there && document.documentElement.dataset.state === "recorded")
        seen.drawn = performance.now();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    // What the worker says while it loads: when each phase was first and last heard of.
    window.Worker = class extends Worker {
      constructor(...options) {
        super(...options);
        this.addEventListener("message", ({ data: { type, value } }) => {
          if (type !== "progress") return;
          const now = performance.now();
          seen.phases[value.phase] = { from: seen.phases[value.phase]?.from ?? now, to: now };
        });
      }
    };
  });

/** The opening, from the navigation to the page at rest. */
export async function opening(page) {
  await page.waitForFunction(
    () =>
      window.seen.drawn > 0 &&
      document.querySelector("[data-part=evidence]:not([aria-busy]) .evidence-part") &&
      document.querySelector(".run-size").textContent,
    null,
    { timeout: 60_000 },
  );
  return page.evaluate(() => {
    const { largest, shift, tasks, drawn } = window.seen;
    const first = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN;
    const fetched = performance
      .getEntries()
      .filter(({ entryType }) => entryType === "navigation" || entryType === "resource");
    const upTo = (time) => {
      const these = fetched.filter(({ startTime }) => startTime < time);
      return {
        requests: these.length,
        bytes: these.reduce((sum, { transferSize }) => sum + transferSize, 0),
      };
    };
    return {
      first,
      largest,
      shift,
      drawn,
      tasks: tasks.map(({ duration }) => duration),
      beforeFirst: upTo(first),
      beforeDrawn: upTo(drawn),
    };
  });
}

/** A live run at the settings of this hash, to its end. */
export async function run(page, hash) {
  await page.evaluate((hash) => (location.hash = hash), hash);
  await page.waitForFunction(
    (hash) =>
      document.querySelector("#prompt").value === new URLSearchParams(hash.slice(1)).get("prompt"),
    hash,
  );
  await page.evaluate(
    () => (
      (document.querySelector(".timing").textContent = ""),
      document.querySelector("[data-part=run]").click()
    ),
  );
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelector(".timing").textContent,
    null,
    { timeout: 120_000 },
  );
  return page.evaluate(() => {
    const { states, phases, tasks, scripts } = window.seen;
    const last = (name) => states.findLast(({ state }) => state === name)?.at;
    const [from, to] = [last("running"), last("ready")];
    const during = ({ at }) => at >= from && at < to;
    const tokens = [...document.querySelectorAll("[data-part=lane]")].map(
      (lane) => lane.querySelectorAll("[data-part=token]").length,
    );
    return {
      from,
      to,
      phases,
      loading: last("loading"),
      loaded: states.find(({ state }) => state === "ready").at,
      tokens,
      tasks: tasks.filter(during).map(({ duration }) => duration),
      scripts: scripts.filter(during),
    };
  });
}

/** Watches the main thread until the function it gives is called. */
export async function busy(page) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["toplevel"] },
  });
  return async () => {
    const complete = new Promise((done) => session.once("Tracing.tracingComplete", done));
    await session.send("Tracing.end");
    await complete;
    const thread = ({ pid, tid }) => `${pid} ${tid}`;
    const mains = new Set(
      events
        .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
        .map(thread),
    );
    const tasks = events.filter(
      (event) => event.name === "ThreadControllerImpl::RunTask" && mains.has(thread(event)),
    );
    return tasks.map(({ tdur = 0 }) => tdur / 1000).sort((a, b) => b - a);
  };
}
