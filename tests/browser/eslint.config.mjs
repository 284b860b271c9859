// What ESLint finds beyond what TypeScript does; the form of the text is prettier's. Run from the repository's root (package.json).

import js from "@eslint/js";

const rules = {
  ...js.configs.recommended.rules,
  "no-undef": "off", // TypeScript knows what there is, page and worker apart
  "no-unused-vars": [
    "error",
    {
      caughtErrors: "none",
      ignoreRestSiblings: true,
      argsIgnorePattern: "^_",
      varsIgnorePattern: "^_",
    },
  ],
  eqeqeq: ["error", "always", { null: "ignore" }],
  "no-var": "error",
  "prefer-const": ["error", { destructuring: "all" }],
  "no-implied-eval": "error",
  "no-eval": "error",
  "no-control-regex": "off", // what people type and models answer is searched for them
  "no-shadow-restricted-names": "error",
  "no-throw-literal": "error",
  "no-unreachable-loop": "error",
  "no-constructor-return": "error",
  "no-self-compare": "error",
  "array-callback-return": ["error", { checkForEach: false }],
  "default-case-last": "error",
};

// Text from a model is only ever a text node.
const markup = [
  ...["innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc"].map((property) => ({
    property,
    message: "Text becomes text nodes only (textContent).",
  })),
  { object: "document", property: "write" },
];

export default [
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["www/**/*.js"],
    // What the oldest browsers read (compat.test.mjs).
    languageOptions: { ecmaVersion: 2022, sourceType: "module" },
    rules: { ...rules, "no-restricted-properties": ["error", ...markup] },
  },
  { files: ["www/embed.js", "www/sw.js"], languageOptions: { sourceType: "script" } },
  {
    files: ["www/start.js", "www/too-old.js"],
    languageOptions: { ecmaVersion: 5, sourceType: "script" },
    rules: { "no-var": "off", "prefer-const": "off" },
  },
  {
    files: ["tests/browser/**/*.{js,mjs}", "benches/browser/**/*.{js,mjs}", "benches/native/*.mjs"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module" },
    rules,
  },
];
