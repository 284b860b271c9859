// The phases of loading, each with its own progress: what is known in bytes is shown in bytes, and what cannot be
// known (hashing, warming up) says only that it is under way.

import { $, $$, h, megabytes } from "./dom.js";

const PHASES = [
  ["engine", "Load the engine"],
  ["cache", "Read the model from this browser’s cache"],
  ["download", "Download the model"],
  ["verify", "Verify its hash"],
  ["warm", "Warm up"],
];

export class LoadingView {
  #root;
  #items = new Map();
  #phase = "";

  constructor(root, onCancel) {
    this.#root = root;
    const list = $("ol", root);
    for (const [name, words] of PHASES) {
      const bar = h("progress", { max: 1, "aria-label": words });
      const amount = h("span", { class: "amount" });
      const item = h("li", { "data-phase": name }, h("span", { class: "phase-name" }, words), amount, bar);
      this.#items.set(name, { item, bar, amount });
      list.append(item);
    }
    $("button", root).addEventListener("click", onCancel);
  }

  begin() {
    this.#root.hidden = false;
    this.#phase = "";
    $(".loading-say", this.#root).textContent = "";
    for (const { item, bar, amount } of this.#items.values()) {
      delete item.dataset.is;
      item.hidden = false;
      bar.value = 0;
      amount.textContent = "";
    }
  }

  progress({ phase, done, total, text }) {
    const entry = this.#items.get(phase);
    if (!entry) return;
    if (phase !== this.#phase) {
      const passed = PHASES.findIndex(([name]) => name === phase);
      PHASES.forEach(([name], i) => {
        const { item } = this.#items.get(name);
        if (i < passed) {
          // A phase that was not needed (no download, or nothing in the cache) is not claimed as done.
          if (item.dataset.is === "now") item.dataset.is = "done";
          if (item.dataset.is !== "done") item.hidden = true;
        }
      });
      entry.item.hidden = false;
      entry.item.dataset.is = "now";
      this.#phase = phase;
    }
    if (total > 0) {
      entry.bar.value = done / total;
      entry.amount.textContent = `${(done / 1e6).toFixed(1)} of ${megabytes(total)}, ${Math.floor((100 * done) / total)} %`;
    } else {
      entry.bar.removeAttribute("value");
      entry.amount.textContent = "under way";
    }
    if (text) $(".loading-say", this.#root).textContent = text;
  }

  end() {
    this.#root.hidden = true;
    for (const bar of $$("progress", this.#root)) bar.value = 0;
  }
}
