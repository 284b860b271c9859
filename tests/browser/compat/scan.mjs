// Which features of the platform the page's own files use, by their paths in MDN's compatibility data.
//
//     const uses = await scan();      Map: feature's path -> the places that use it, "www/page/board.js:120"
//
// JavaScript is read by TypeScript, which knows of many expressions what they are; of those it does not know, a method's
// name counts if neither an older feature nor an object of the page's has it. CSS and HTML are read by their grammar's outline.

import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { builtins, css, named, since } from "./features.mjs";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

export async function scan() {
  const uses = new Map();
  const add = (path, file, line) => {
    const places = uses.get(path) ?? [];
    uses.set(path, places);
    places.push(`${relative(repository, file)}:${line}`);
  };
  const files = (await readdir(join(repository, "www"), { recursive: true })).map((name) =>
    join(repository, "www", name),
  );
  scanScripts(
    files.filter((file) => file.endsWith(".js")),
    add,
  );
  for (const file of files.filter((file) => file.endsWith(".css")))
    scanStyle(await readFile(file, "utf8"), (path, line) => add(path, file, line));
  const page = join(repository, "index.html");
  scanMarkup(await readFile(page, "utf8"), (path, line) => add(path, page, line));
  return uses;
}

// ---- JavaScript ----

function scanScripts(files, add) {
  const program = ts.createProgram(files, {
    allowJs: true,
    noEmit: true,
    strict: true,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
  });
  const checker = program.getTypeChecker();
  const own = new Set(); // names of the page's own members
  const collect = (node) => {
    const isMember =
      ts.isPropertyAssignment(node) ||
      ts.isShorthandPropertyAssignment(node) ||
      ts.isMethodDeclaration(node);
    if (isMember) own.add(node.name.text);
    ts.forEachChild(node, collect);
  };
  for (const file of files) collect(program.getSourceFile(file));
  for (const file of files) {
    const source = program.getSourceFile(file);
    const visit = (node) => {
      const line = () => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
      if (ts.isPropertyAccessExpression(node)) {
        const symbol = checker.getSymbolAtLocation(node.name);
        const found = symbol
          ? paths(symbol)
          : ts.isCallExpression(node.parent) && node.parent.expression === node
            ? named(node.name.text).filter(() => !own.has(node.name.text))
            : [];
        if (found.length > 0) add(oldest(found), file, line());
      } else if (ts.isIdentifier(node) && isValue(node)) {
        const symbol = checker.getSymbolAtLocation(node);
        if (symbol) for (const path of paths(symbol)) add(path, file, line());
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }

  /** The features that a symbol of the platform's own declarations can stand for; none for the page's own. */
  function paths(symbol) {
    const found = new Set();
    for (const declaration of symbol.declarations ?? []) {
      const { fileName } = declaration.getSourceFile();
      if (!/\/typescript\/lib\/lib\.[\w.]+\.d\.ts$/.test(fileName)) return [];
      for (const path of pathsOf(declaration, symbol.name)) found.add(path);
    }
    return [...found];
  }
}

const isValue = ({ parent, kind }) =>
  kind === ts.SyntaxKind.Identifier &&
  !(
    ts.isPropertyAccessExpression(parent) ||
    ts.isPropertyAssignment(parent) ||
    ts.isTypeNode(parent)
  );

const known = new Set(builtins().map(({ path }) => path));

function pathsOf(declaration, name) {
  const { parent } = declaration;
  const exists = (...paths) => paths.filter((path) => known.has(path));
  if (ts.isInterfaceDeclaration(parent)) {
    const owner = parent.name.text
      .replace(/^Readonly(Array|Map|Set)$/, "$1")
      .replace(/(?<=.)Constructor$/, "");
    const own = exists(`javascript.builtins.${owner}.${name}`, `api.${owner}.${name}`);
    // A mixin's members stand under each interface that has them.
    const platform = since(`api.${owner}`) || since(`javascript.builtins.${owner}`);
    return own.length > 0 || platform ? own : named(name);
  }
  if (ts.isTypeLiteralNode(parent) && ts.isVariableDeclaration(parent.parent))
    return exists(`api.${parent.parent.name.text}.${name}_static`);
  if (ts.isSourceFile(parent) || ts.isVariableDeclarationList(parent))
    return exists(
      `javascript.builtins.${name}`,
      `api.${name}`,
      `api.Window.${name}`,
      `api.WorkerGlobalScope.${name}`,
    );
  return [];
}

/** Of features of one name, the one that is there longest: what cannot be told apart must not be blamed. */
function oldest(paths) {
  const age = (path) => Math.max(...Object.values(since(path)));
  return paths.reduce((a, b) => (age(b) < age(a) ? b : a));
}

// ---- CSS ----

export function scanStyle(text, add) {
  const bare = text.replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));
  const line = (index) => bare.slice(0, index).split("\n").length;
  const has = (path) => Boolean(since(path));
  for (const { 0: rule, 1: name, index } of bare.matchAll(/@([\w-]+)[^{;]*/g)) {
    if (has(`css.at-rules.${name}`)) add(`css.at-rules.${name}`, line(index));
    for (const [, feature] of rule.matchAll(/\(\s*([\w-]+)/g))
      if (has(`css.at-rules.${name}.${feature}`))
        add(`css.at-rules.${name}.${feature}`, line(index));
  }
  for (const { 0: head, index } of bare.matchAll(/(?<=^|[{};])[^{};@]+(?=\{)/g))
    for (const [, name] of head.matchAll(/::?(-?[a-z][a-z-]*)/g))
      if (has(`css.selectors.${name}`)) add(`css.selectors.${name}`, line(index));
  for (const { 1: property, 2: value, index } of bare.matchAll(
    /(?<=[{;]\s*)(--[\w-]+|[a-z-]+)\s*:\s*([^;{}]+)(?=[;}])/g,
  )) {
    const path = `css.properties.${property}`;
    if (has(path)) add(path, line(index));
    for (const [, word] of value.matchAll(/([a-z][\w-]*)/g)) {
      if (has(`${path}.${word}`)) add(`${path}.${word}`, line(index));
      for (const type of Object.keys(css.types)) {
        if (type === word && value.includes(`${word}(`) && has(`css.types.${type}`))
          add(`css.types.${type}`, line(index));
        if (value.includes(`${word}(`) && has(`css.types.${type}.${word}`))
          add(`css.types.${type}.${word}`, line(index));
      }
    }
    for (const [, unit] of value.matchAll(/\d([a-z]+)\b/g)) {
      if (has(`css.types.length.${unit}`)) add(`css.types.length.${unit}`, line(index));
      if (/^[sld]v/.test(unit))
        add("css.types.length.viewport_percentage_units_dynamic", line(index));
    }
  }
  // A rule inside a rule that is not inside an at-rule's block.
  const open = [];
  let start = 0;
  for (let i = 0; i < bare.length; i++) {
    if (bare[i] === "{") {
      const head = bare.slice(start, i).trim();
      const inRule = open.some((outer) => !outer.startsWith("@"));
      if (inRule && !head.startsWith("@keyframes")) add("css.selectors.nesting", line(i));
      open.push(head);
    }
    if (bare[i] === "}") open.pop();
    if ("{};".includes(bare[i])) start = i + 1;
  }
}

// ---- HTML ----

export function scanMarkup(text, add) {
  for (const { 1: element, 2: attributes, index } of text.matchAll(
    /<([a-z][\w-]*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*\/?>/g,
  )) {
    const line = text.slice(0, index).split("\n").length;
    if (since(`html.elements.${element}`)) add(`html.elements.${element}`, line);
    for (const [, name, value = ""] of attributes.matchAll(/\s([\w-]+)(?:="([^"]*)")?/g)) {
      for (const path of [
        `html.elements.${element}.${name}`,
        `html.global_attributes.${name}`,
        `html.elements.${element}.${name}_${value}`,
        `html.elements.${element}.${name}.${value}`,
      ])
        if (/^[\w.-]+$/.test(path) && since(path)) add(path, line);
      if (name === "content" && /default-src/.test(value)) {
        const policy = "http.headers.Content-Security-Policy";
        for (const rule of value.split(";")) {
          const [directive, ...sources] = rule.trim().split(/\s+/);
          if (since(`${policy}.${directive}`)) add(`${policy}.${directive}`, line);
          for (const source of sources) {
            const path = `${policy}.${directive}.${source.replaceAll("'", "")}`;
            if (/^[\w.-]+$/.test(path) && since(path)) add(path, line);
          }
        }
      }
    }
  }
}
