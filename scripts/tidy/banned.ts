// Calls and constructs that are banned, everywhere or in some rooms, each with its reason.
import { dottedName, type Finding, type Node, type Source, walk } from "./source.js";

/** A ban on names (`a.b`, or `a.` for all of a's members) where `applies` says so. */
interface Ban {
  readonly names: readonly string[];
  readonly because: string;
  readonly applies: (source: Source) => boolean;
}

const inCore = (source: Source) => /^services\/[^/]+\/src\/core\//.test(source.path) && !source.isTest;
const inService = (source: Source) =>
  /^services\/(?!local\/|bots\/|client\/|e2e\/)/.test(source.path) && !source.isTest;
/** A process, or the entry of the image, which becomes one. */
const isMain = (source: Source) =>
  /(^|\/)([a-z-]+-)?main\.ts$/.test(source.path) || source.path === "services/run.mjs";
const isRuntime = (source: Source) => source.path.startsWith("services/shared/src/runtime/");
const inFourRooms = (source: Source) =>
  /^services\/(matcher|wallet|order-gateway|market-data)\//.test(source.path);
const isMoney = (source: Source) =>
  /^services\/(shared\/src\/units|[^/]+\/src\/(core|flow|io|rpc|http))\//.test(source.path) && !source.isTest;

/** config reads the settings; life is told by the process that started it when to end with it. */
const SETTINGS_READERS = new Set([
  "services/shared/src/runtime/config.ts",
  "services/shared/src/runtime/life.ts",
]);

const BANS: readonly Ban[] = [
  {
    names: ["Date", "performance", "Math.random", "crypto", "globalThis.crypto"],
    because: "core has no clock and no randomness",
    applies: inCore,
  },
  {
    names: [
      "setTimeout",
      "setInterval",
      "setImmediate",
      "queueMicrotask",
      "Promise",
      "process",
      "console",
      "fetch",
    ],
    because: "core touches nothing outside itself",
    applies: inCore,
  },
  {
    names: ["process.env"],
    because: "settings are read by runtime/config only",
    applies: (source) => inService(source) && !isMain(source) && !SETTINGS_READERS.has(source.path),
  },
  {
    names: ["process.exit"],
    because: "life and main end the process, nothing else",
    applies: (source) => inService(source) && !isMain(source) && !isRuntime(source),
  },
  {
    names: ["Math.random"],
    because: "randomness comes in as a parameter, seeded in tests",
    applies: (source) => (source.isTest || inFourRooms(source)) && !isMain(source) && !inCore(source),
  },
  {
    names: ["parseFloat", "Number.parseFloat", "Math.fround"],
    because: "no floating point for money",
    applies: isMoney,
  },
];

const TEST_MODIFIERS = /^(test|it|describe)\.(skip|only|todo|skipIf|runIf|fails)$/;

/** Uses of what is banned in a file. */
export function checkBanned(source: Source): Finding[] {
  const findings: Finding[] = [];
  const add = (node: { readonly start: number }, text: string) =>
    findings.push({ path: source.path, line: source.lineOf(node.start), rule: "banned", text });

  const bans = BANS.filter((ban) => ban.applies(source));
  walk(source.program, (node, parent) => {
    const name = usedName(node, parent);
    if (name === undefined) return;
    const ban = bans.find((each) => each.names.includes(name));
    if (ban !== undefined) add(node, `${name}: ${ban.because}`);
    if (TEST_MODIFIERS.test(name)) add(node, `${name}: every test runs, always`);
  });
  if (inCore(source)) checkSynchronous(source, add);
  checkReExports(source, findings);
  checkComments(source, add);
  return findings;
}

/** The name that a node uses as a value; a property key or a type of the same name is no use. */
function usedName(node: Node, parent: Node | undefined): string | undefined {
  if (node.type === "MemberExpression") return dottedName(node);
  if (node.type !== "Identifier" || parent === undefined) return undefined;
  if (parent.type === "MemberExpression" && parent.property === node && parent.computed !== true)
    return undefined;
  if (parent.type === "Property" && parent.key === node && parent.shorthand !== true) return undefined;
  if (parent.type.startsWith("TS") || parent.type.endsWith("Specifier")) return undefined;
  return String(node.name);
}

function checkSynchronous(source: Source, add: (node: Node, text: string) => void): void {
  walk(source.program, (node) => {
    if (node.async === true || node.type === "AwaitExpression") add(node, "async: core is synchronous");
  });
}

function checkReExports(source: Source, findings: Finding[]): void {
  for (const imported of source.imports) {
    // The type of a library may be passed on by the one file that wraps the library.
    const isOurs = imported.specifier.startsWith(".") || imported.specifier.startsWith("@bourse/");
    if (!imported.isReExport || (imported.isTypeOnly && !isOurs)) continue;
    const text = `re-exports ${imported.specifier}: import the file that defines a thing`;
    findings.push({ path: source.path, line: imported.line, rule: "banned", text });
  }
}

function checkComments(source: Source, add: (node: { readonly start: number }, text: string) => void): void {
  for (const comment of source.comments) {
    if (/@ts-(ignore|nocheck|expect-error)/.test(comment.value)) add(comment, "the compiler is not silenced");
    if (/\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(comment.value))
      add(comment, "a TODO carries an issue number: TODO(#12)");
  }
}
