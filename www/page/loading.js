// The phases of loading, each with its own progress: what is known in bytes is shown in bytes, and what cannot be
// known (hashing, measuring) says only that it is under way.

import { $, h, megabytes } from "./dom.js";

const PHASES = [
  ["engine", "Load the engine"],
  ["cache", "Read the model from this browser’s cache"],
  ["file", "Read the file you chose"],
  ["download", "Download the model"],
  ["verify", "Check the file"],
  ["measure", "Warm up"],
];
// What the last phase does, by the engines it tries.
const MEASURES = {
  cpu: "Warm up",
  gpu: "Copy the model to the GPU",
  "cpu gpu": "Find the faster of CPU and GPU",
};

export class LoadingView {
  #root;
  #items = new Map();
  #phase = "";

  constructor(root, onCancel) {
    this.#root = root;
    const list = h("ol");
    root.append(
      h("h2", { id: "loading-title" }, "Loading the model"),
      h(
        "p",
        { class: "hint" },
        "It runs in this tab. What you type stays here. Your browser keeps the model for the next time.",
      ),
      list,
      h("p", { class: "loading-say" }),
      h("button", { type: "button", class: "quiet", onclick: onCancel }, "Cancel"),
    );
    for (const [name, words] of PHASES) {
      const bar = h("progress", { max: 1, "aria-label": words });
      const amount = h("span", { class: "amount" });
      const label = h("span", { class: "phase-name" }, words);
      const item = h("li", { "data-phase": name }, label, amount, bar);
      this.#items.set(name, { item, bar, amount, label });
      list.append(item);
    }
  }

  /** @param again the model is loaded already, and only the engine is chosen anew */
  begin({ again = false } = {}) {
    this.#root.hidden = false;
    $("h2", this.#root).textContent = again ? "Changing the engine" : "Loading the model";
    $(".hint", this.#root).hidden = again;
    this.#phase = "";
    $(".loading-say", this.#root).textContent = "";
    for (const { item, bar, amount } of this.#items.values()) {
      delete item.dataset.is;
      item.hidden = false;
      bar.value = 0;
      amount.textContent = "";
    }
  }

  /** @param {import("../core/types.js").Progress} progress */
  progress({ phase, done, total, text, engines }) {
    const entry = this.#items.get(phase);
    if (!entry) return;
    if (engines) {
      entry.label.textContent = MEASURES[engines.join(" ")];
      entry.bar.setAttribute("aria-label", entry.label.textContent);
    }
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
    for (const bar of this.#root.querySelectorAll("progress")) bar.value = 0;
  }
}
