// A source file as tidy sees it: its syntax tree, what it imports, and where it lies.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";

/** One thing that is not as it should be. `line` is 0 when it concerns the whole file. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly text: string;
}

/** A node of the syntax tree (ESTree with TypeScript). */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** One import, re-export or `import()` of a file. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly isTypeOnly: boolean;
  readonly isReExport: boolean;
}

/** A parsed source file; `path` is relative to the root of the repository, with slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  readonly program: Node;
  readonly comments: readonly { readonly value: string; readonly start: number }[];
  readonly imports: readonly Import[];
  readonly isTest: boolean;
  lineOf(offset: number): number;
}

/** Reads and parses one file. A file that does not parse is a broken build: the error is thrown. */
export function readSource(root: string, path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const parsed = parseSync(path, text);
  const [error] = parsed.errors;
  if (error !== undefined) throw new Error(`${path}: ${error.message}`);

  const lineOf = lineFinder(text);
  const program = parsed.program as unknown as Node;
  return {
    path,
    text,
    lineCount: text.split("\n").length - (text.endsWith("\n") ? 1 : 0),
    program,
    comments: parsed.comments,
    imports: importsOf(program, lineOf),
    isTest: isTestPath(path),
    lineOf,
  };
}

/** Tests, and what only tests use. */
function isTestPath(path: string): boolean {
  return (
    /\.(test|bench)\.[a-z]+$/.test(path) || path.includes("/testing/") || path.startsWith("services/e2e/")
  );
}

/** Calls `visit` for a node and everything below it, parents first. */
export function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  visit(node, parent);
  for (const value of Object.values(node)) {
    const children = Array.isArray(value) ? value : [value];
    for (const child of children) if (isNode(child)) walk(child, visit, node);
  }
}

/** True for a node of the tree. */
export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** `a.b.c` for a chain of plain names, undefined for anything else. */
export function dottedName(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Identifier") return String(node.name);
  if (node.type !== "MemberExpression" || node.computed === true) return undefined;
  const object = dottedName(node.object);
  const property = dottedName(node.property);
  return object === undefined || property === undefined ? undefined : `${object}.${property}`;
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

function importsOf(program: Node, lineOf: (offset: number) => number): Import[] {
  const found: Import[] = [];
  walk(program, (node) => {
    const source = node.source;
    if (!isNode(source) || typeof source.value !== "string") return;
    const common = { specifier: source.value, line: lineOf(node.start) };
    switch (node.type) {
      case "ImportDeclaration":
        found.push({ ...common, isTypeOnly: hasOnlyTypes(node, "importKind"), isReExport: false });
        break;
      case "ExportNamedDeclaration":
      case "ExportAllDeclaration":
        found.push({ ...common, isTypeOnly: hasOnlyTypes(node, "exportKind"), isReExport: true });
        break;
      case "ImportExpression":
        found.push({ ...common, isTypeOnly: false, isReExport: false });
        break;
      case "TSImportType":
        found.push({ ...common, isTypeOnly: true, isReExport: false });
        break;
    }
  });
  return found;
}

function hasOnlyTypes(declaration: Node, kind: "importKind" | "exportKind"): boolean {
  if (declaration[kind] === "type") return true;
  const specifiers = declaration.specifiers;
  if (!Array.isArray(specifiers) || specifiers.length === 0) return false;
  return specifiers.every((specifier: Node) => specifier[kind] === "type");
}
