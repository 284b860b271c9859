// Example prompts, by what one can see in them. Facts are ones that a small model usually gets right; the made-up
// and false-premise prompts have no true answer, so whatever the model says about them, it invents.

import { DOUBT } from "../core/state.js";

export const GROUPS = [
  { name: "Fact", prompts: ["What animal meows?", "What is the capital of Japan?"] },
  {
    name: "Made-up",
    prompts: [
      "In what year was the treaty of Zorvath signed?",
      "Tell me about Professor Elmira Quandt's 1987 discovery.",
    ],
  },
  {
    name: "False premise",
    prompts: ["When did Einstein invent the telephone?", "Which king rules Switzerland today?"],
  },
  {
    name: "Doubt",
    then: DOUBT,
    prompts: ["What is the capital of France?", "What animal meows?"],
  },
];
