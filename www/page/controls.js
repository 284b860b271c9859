// The form: what the visitor sets. How the settings show is in settings.js.

import { alphaFrom, DEFAULTS, LIMITS, neuronsTo, number, readNeurons } from "../core/state.js";
import { leversOf } from "../core/levers.js";
import { wrongNeurons } from "../core/unread.js";
import { advancedFields } from "./advanced.js";
import { $, composes, field, fields, say, targetOf } from "./dom.js";
import { showLater } from "./later-turns.js";
import { LeverView } from "./lever.js";
import { showSettings } from "./settings.js";

export class Controls {
  #form = $("form.ask");
  #shape;
  #on;
  /** @type {LeverView | null} */
  #lever = null;
  #off = ""; // My selection, as the settings have it
  /** @type {{text: string, off: string} | null} a list that could not be read to its end, and what was taken of it */
  #unread = null;

  /**
   * @param {object} on
   * @param {(patch: Partial<import("../core/types.js").Settings>, how?: {show: boolean}) => void} on.change
   * @param {() => void} on.run
   * @param {() => void} on.stop
   * @param {() => void} on.reseed other random neurons
   * @param {() => boolean} on.borrowed whether the page itself wrote the prompt
   */
  constructor(on) {
    this.#on = on;
    this.prompt = field("#prompt");
    this.then = field("#then");
    $(".advanced").append(...advancedFields());
    this.#form.addEventListener("submit", (event) => (event.preventDefault(), on.run()));
    $("[data-part=stop]").addEventListener("click", () => on.stop());
    this.prompt.addEventListener("input", () => on.change({ prompt: this.prompt.value }));
    this.prompt.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || composes(event)) return;
      event.preventDefault();
      on.run();
    });
    // What the page wrote there is all selected, so that typing replaces it; a click would only set the caret.
    let entered = false;
    this.prompt.addEventListener("focus", () => {
      entered = on.borrowed();
      if (entered) this.prompt.select();
    });
    this.prompt.addEventListener("click", () => {
      if (entered && this.prompt.selectionStart === this.prompt.selectionEnd) this.prompt.select();
      entered = false;
    });
    this.then.addEventListener("input", () => on.change({ then: this.then.value }));
    // Where a turn is removed, those after it move up.
    const later = () => fields(".later-turns input").map(({ value }) => value);
    $("#then-remove").addEventListener("click", () => {
      const [then = "", ...more] = later();
      on.change({ then, more }, { show: true });
      this.prompt.focus();
    });
    $(".later-turns").addEventListener("input", () => on.change({ more: later() }));
    $(".later-turns").addEventListener("click", (event) => {
      const { remove } = targetOf(event).dataset;
      if (remove === undefined) return;
      on.change({ more: later().filter((_, i) => i !== Number(remove)) }, { show: true });
      this.prompt.focus();
    });
    $("[data-part=reseed]").addEventListener("click", () => on.reseed());
    $("#alpha").addEventListener("input", (event) =>
      on.change({ alpha: alphaFrom(targetOf(event).value) }, { show: true }),
    );
    for (const radio of fields("[name=set]", this.#form)) {
      radio.addEventListener("change", () => on.change({ set: radio.value }, { show: true }));
    }
    const numeric = { max: 1, seed: 0, temp: 0 };
    for (const [key, low] of Object.entries(numeric)) {
      $(`#${key}`).addEventListener("change", (event) => {
        const value = number(targetOf(event).value, low, LIMITS[key], DEFAULTS[key]);
        on.change({ [key]: key === "temp" ? value : Math.floor(value) }, { show: true });
      });
    }
    $("[data-part=engine]").addEventListener("change", (event) =>
      on.change({ engine: targetOf(event).value }, { show: true }),
    );
    $("#off").addEventListener("change", () => {
      const text = field("#off").value;
      const { neurons: off, wrong } = readNeurons(text, this.#shape);
      const none = wrong.length > 0 && off.length === 0;
      this.#unread = wrong.length > 0 ? { text, off: none ? this.#off : neuronsTo(off) } : null;
      if (!none) on.change({ off, ...(off.length > 0 ? { set: "custom" } : {}) }, { show: true });
      const shape = this.#shape ?? { layers: 1024, neurons_per_layer: 1 << 20 };
      this.#sayUnread(wrongNeurons(wrong, shape) + (none ? " My selection stays as it was." : ""));
    });
  }

  #sayUnread(words) {
    $("#off").toggleAttribute("aria-invalid", words !== "");
    if (words) $("#off").setAttribute("aria-invalid", "true");
    $("#off-wrong").textContent = words;
    $("#off-wrong").hidden = words === "";
    if (words) say(words);
  }

  /** Neurons outside this shape are not taken. */
  setShape(shape) {
    this.#shape = shape;
  }

  /** The levers of this artifact can be chosen. */
  setLevers(artifact) {
    if (leversOf(artifact).length === 0) return;
    this.#lever = new LeverView(artifact, {
      choose: (lever) => this.#on.change({ set: "lever", lever }, { show: true }),
      ask: (prompt) => {
        this.#on.change({ prompt, then: "", more: [] }, { show: true });
        this.prompt.focus();
      },
    });
  }

  show(state) {
    showSettings(state);
    this.#lever?.show(state);
    showLater(state);
    for (const key of ["max", "temp", "seed"]) field(`#${key}`).value = String(state[key]);
    field("[data-part=engine]").value = state.engine;
    this.#off = neuronsTo(state.off);
    // What could not be read stays, to be mended, until My selection is changed elsewhere.
    if (this.#unread?.off === this.#off) return;
    this.#unread = null;
    this.#sayUnread("");
    field("#off").value = this.#off.replaceAll(",", ", ");
  }

  /** Which engine runs and why; "" while none does. */
  showEngine(words) {
    $("#engine-words").textContent = words;
  }

  /** What Run and Stop can do now. `size`: what a run would have to download first, or ""; undefined while not known. */
  showState(pageState, size) {
    const busy = pageState === "running" || pageState === "loading";
    field("[data-part=run]").disabled = busy;
    field("[data-part=stop]").disabled = pageState !== "running";
    // A disabled button would lose the focus of the one who pressed it.
    $("[data-part=reseed]").setAttribute("aria-disabled", String(busy));
    if (busy || size !== undefined) $(".run-size").textContent = busy ? "" : size;
    for (const chip of fields(".chip")) chip.disabled = busy;
  }
}
