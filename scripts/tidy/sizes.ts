// Sizes: a function fits on a screen, a file in a head.
import { type Finding, type Node, type Source, walk } from "./source.js";

/** Longest function in lines, signature and closing brace included. */
export const FUNCTION_LINES_MAX = 70;
/** Longest file in lines; tests may be longer, since a table of cases is read row by row. */
export const FILE_LINES_MAX = 400;

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** Functions and files that are too long. */
export function checkSizes(source: Source): Finding[] {
  const findings: Finding[] = [];
  const add = (line: number, text: string) => findings.push({ path: source.path, line, rule: "sizes", text });
  if (!source.isTest && source.lineCount > FILE_LINES_MAX) {
    add(0, `${source.lineCount} lines, at most ${FILE_LINES_MAX}`);
  }
  walk(source.program, (node, parent) => {
    if (!FUNCTIONS.has(node.type) || isSuite(parent)) return;
    const lines = source.lineOf(node.end) - source.lineOf(node.start) + 1;
    if (lines > FUNCTION_LINES_MAX) {
      add(source.lineOf(node.start), `a function of ${lines} lines, at most ${FUNCTION_LINES_MAX}`);
    }
  });
  return findings;
}

/** The callback of `describe` is a list of tests, not a function that somebody follows. */
function isSuite(parent: Node | undefined): boolean {
  if (parent?.type !== "CallExpression") return false;
  const callee = parent.callee as Node;
  const called = callee.type === "CallExpression" ? (callee.callee as Node) : callee;
  const name = called.type === "MemberExpression" ? (called.object as Node).name : called.name;
  return name === "describe";
}
