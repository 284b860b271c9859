// The fields under "Advanced". Made by script because an embed's first view has no use for them.

import { LIMITS } from "../core/state.js";
import { h } from "./dom.js";

const figure = (id, words, min, max, step, mode) =>
  h("label", {}, words, " ", h("input", { id, type: "number", inputmode: mode, min, max, step }));

export const advancedFields = () => [
  h(
    "div",
    { class: "fields" },
    h(
      "label",
      {},
      "Engine ",
      h(
        "select",
        { "data-part": "engine", "aria-describedby": "engine-hint engine-words" },
        h("option", { value: "auto" }, "Auto"),
        h("option", { value: "cpu" }, "CPU"),
        h("option", { value: "gpu" }, "GPU (WebGPU)"),
      ),
    ),
    figure("max", "Most tokens", 1, LIMITS.max, 1, "numeric"),
    figure("temp", "Temperature", 0, LIMITS.temp, 0.1, "decimal"),
    figure("seed", "Seed", 0, LIMITS.seed, 1, "numeric"),
    h(
      "label",
      { class: "wide" },
      "My selection (layer.index, …) ",
      h("input", {
        id: "off",
        type: "text",
        autocomplete: "off",
        spellcheck: "false",
        placeholder: "16.1515, 19.665",
      }),
    ),
  ),
  h(
    "p",
    { class: "hint" },
    "Temperature 0 always takes the likeliest token, so a link gives the same answer again. The seed draws the random control, and the tokens where the temperature is above 0.",
  ),
  h(
    "p",
    { class: "hint" },
    h(
      "span",
      { id: "engine-hint" },
      "Engine: Auto measures the CPU and the GPU on this device and takes the faster.",
    ),
    " ",
    h("span", { id: "engine-words" }),
  ),
];
