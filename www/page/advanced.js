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
    figure("max", "Longest answer (tokens)", 1, LIMITS.max, 1, "numeric"),
    figure("temp", "Temperature", 0, LIMITS.temp, 0.1, "decimal"),
    figure("seed", "Seed", 0, LIMITS.seed, 1, "numeric"),
    h(
      "label",
      { class: "wide" },
      "My selection (layer.neuron) ",
      h("input", {
        id: "off",
        type: "text",
        autocomplete: "off",
        spellcheck: "false",
        "aria-describedby": "off-wrong",
        placeholder: "16.1515, L19 N665",
      }),
    ),
    h("p", { class: "wide off-wrong", id: "off-wrong", hidden: true }),
  ),
  h(
    "p",
    { class: "hint" },
    "At temperature 0 the model always takes the likeliest token, so the answer stays the same. Above 0 it throws dice. The seed decides how the dice fall, and which neurons are the random ones.",
  ),
  h(
    "p",
    { class: "hint" },
    h(
      "span",
      { id: "engine-hint" },
      "Auto tries the CPU and the GPU of this device, and takes the faster.",
    ),
    " ",
    h("span", { id: "engine-words" }),
  ),
];
