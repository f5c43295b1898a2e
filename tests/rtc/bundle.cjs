// Prints an npm package and what it requires as one script: `node bundle.cjs PACKAGE NAME` sets window[NAME].
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const [packageName, globalName] = process.argv.slice(2);
const modules = new Map();

// With a slash the package is meant, not Node's module of the same name; what only Node has is empty.
function locate(from, name) {
  try {
    return createRequire(from).resolve(name.startsWith(".") ? name : `${name}/`);
  } catch {
    return `node:${name}`;
  }
}

function collect(from, name) {
  const file = locate(from, name);
  if (modules.has(file)) return file;
  const source = file.startsWith("node:") ? "" : readFileSync(file, "utf8");
  const needs = {};
  modules.set(file, { source, needs });
  for (const [, need] of source.matchAll(/require\(["']([^"']+)["']\)/g)) needs[need] = collect(file, need);
  return file;
}

const entry = collect(`${process.cwd()}/package.json`, packageName);
const parts = [...modules].map(
  ([file, { source, needs }]) =>
    `${JSON.stringify(file)}: [${JSON.stringify(needs)}, (module, exports, require) => {${source}\n}]`,
);
console.log(`const parts = {${parts.join(",\n")}};
const loaded = {};
const load = (file) => {
  if (!loaded[file]) {
    const module = (loaded[file] = { exports: {} });
    const [needs, body] = parts[file];
    body(module, module.exports, (name) => load(needs[name]));
  }
  return loaded[file].exports;
};
window[${JSON.stringify(globalName)}] = load(${JSON.stringify(entry)});`);
