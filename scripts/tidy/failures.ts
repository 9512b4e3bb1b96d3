// The table of failures against its page: every reason of domain-error.ts has a row in
// proto/README.md with the right codes and text and an explanation, and every reason that a contract
// names exists.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Finding, isNode, type Node, readSource, walk } from "./source.js";

const TABLE_PATH = "services/shared/src/errors/domain-error.ts";
const PAGE_PATH = "proto/README.md";
const BEGIN = "<!-- failures: begin (npm run tidy -- --write) -->";
const END = "<!-- failures: end -->";

/** Standard mapping of gRPC codes to HTTP (SEMANTICS: errors). */
export const HTTP_STATUS: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  DATA_LOSS: 500,
  UNKNOWN: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** REST says it more precisely than the code does. */
export const HTTP_STATUS_OF_REASON: Readonly<Record<string, number>> = {
  MESSAGE_TOO_LARGE: 413,
  SHARD_READ_ONLY: 503,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNSUPPORTED_ENCODING: 415,
  METHOD_NOT_ALLOWED: 405,
  UNIMPLEMENTED: 404,
};

/** Words in capitals that contracts use beside reasons and codes. */
const OTHER_WORDS = new Set(["NOT_ACCEPTED", "NOT_ATTEMPTED", "REJECTED", "UTC", "UUID"]);

interface Failure {
  readonly reason: string;
  readonly status: string;
  readonly text: string;
}

/** What is wrong between the table, the page and the contracts. */
export function checkFailures(root: string, protoPaths: readonly string[]): Finding[] {
  if (!existsSync(join(root, TABLE_PATH))) return [finding(TABLE_PATH, 0, "is missing")];
  const failures = readFailures(root);
  return [...checkPage(root, failures), ...protoPaths.flatMap((path) => checkContract(root, path, failures))];
}

/** Writes codes and texts of the table into the page; explanations that stand there stay. */
export function writePage(root: string): void {
  const path = join(root, PAGE_PATH);
  const page = readFileSync(path, "utf8");
  const explanations = new Map(rowsOf(page).map((row) => [row.reason, row.explanation]));
  const rows = readFailures(root).map((failure) =>
    formatRow(failure, explanations.get(failure.reason) ?? ""),
  );
  const table = [
    "| reason | gRPC code | HTTP | message | what to do |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
  const [before = "", rest = ""] = page.split(BEGIN);
  writeFileSync(path, `${before}${BEGIN}\n\n${table}\n\n${END}${rest.split(END)[1] ?? ""}`);
}

/** Rows of the object `failures`, read from the source so that nothing has to run. */
function readFailures(root: string): Failure[] {
  const failures: Failure[] = [];
  walk(readSource(root, TABLE_PATH).program, (node) => {
    if (node.type !== "VariableDeclarator" || (node.id as Node).name !== "failures") return;
    walk(node.init as Node, (entry) => {
      const value = entry.value;
      if (entry.type !== "Property" || !isNode(value) || value.type !== "ObjectExpression") return;
      const fields = new Map(properties(value).map((each) => [keyOf(each), literalOf(each.value)]));
      failures.push({
        reason: keyOf(entry),
        status: fields.get("status") ?? "",
        text: fields.get("text") ?? "",
      });
    });
  });
  return failures;
}

function properties(node: Node): Node[] {
  return node.properties as Node[];
}

function keyOf(property: Node): string {
  const key = property.key as Node;
  return String(key.name ?? key.value);
}

function literalOf(node: unknown): string {
  return isNode(node) && typeof node.value === "string" ? node.value : "";
}

function checkPage(root: string, failures: readonly Failure[]): Finding[] {
  if (!existsSync(join(root, PAGE_PATH))) return [finding(PAGE_PATH, 0, "is missing")];
  const rows = rowsOf(readFileSync(join(root, PAGE_PATH), "utf8"));
  const byReason = new Map(rows.map((row) => [row.reason, row]));
  const known = new Set(failures.map((failure) => failure.reason));

  const undocumented = failures.flatMap((failure) => {
    const row = byReason.get(failure.reason);
    if (row === undefined) return [finding(PAGE_PATH, 0, `${failure.reason} is not documented`)];
    if (row.explanation === "")
      return [finding(PAGE_PATH, row.line, `${failure.reason} says not what to do`)];
    const isStale = row.text !== formatRow(failure, row.explanation);
    return isStale
      ? [finding(PAGE_PATH, row.line, `${failure.reason} differs from the table of failures`)]
      : [];
  });
  const unknown = rows.filter((row) => !known.has(row.reason));
  return [
    ...undocumented,
    ...unknown.map((row) => finding(PAGE_PATH, row.line, `${row.reason} does not exist`)),
  ];
}

interface Row {
  readonly reason: string;
  readonly explanation: string;
  readonly line: number;
  readonly text: string;
}

function rowsOf(page: string): Row[] {
  const lines = page.split("\n");
  const begin = lines.indexOf(BEGIN);
  const end = lines.indexOf(END);
  return lines.flatMap((text, index): Row[] => {
    const cells = /^\| `([A-Z_]+)` \|.*\| ([^|]*) \|$/.exec(text);
    if (index <= begin || index >= end || cells === null) return [];
    return [{ reason: cells[1] ?? "", explanation: (cells[2] ?? "").trim(), line: index + 1, text }];
  });
}

function formatRow(failure: Failure, explanation: string): string {
  const http = HTTP_STATUS_OF_REASON[failure.reason] ?? HTTP_STATUS[failure.status];
  return `| \`${failure.reason}\` | ${failure.status} | ${http} | ${failure.text} | ${explanation} |`;
}

/** Reasons that the comments of a contract name under "Errors:" exist in the table. */
function checkContract(root: string, path: string, failures: readonly Failure[]): Finding[] {
  const known = new Set([
    ...failures.map((failure) => failure.reason),
    ...Object.keys(HTTP_STATUS),
    ...OTHER_WORDS,
  ]);
  const findings: Finding[] = [];
  let isInErrors = false;
  for (const [index, line] of readFileSync(join(root, path), "utf8").split("\n").entries()) {
    const comment = /^\s*\/\/ ?(.*)$/.exec(line)?.[1];
    if (comment === undefined || comment.trim() === "") isInErrors = false;
    if (comment?.startsWith("Errors:")) isInErrors = true;
    if (comment === undefined || !isInErrors) continue;
    for (const [word] of comment.matchAll(/\b[A-Z][A-Z_]{3,}\b/g)) {
      if (!known.has(word))
        findings.push(finding(path, index + 1, `${word} is not in the table of failures`));
    }
  }
  return findings;
}

function finding(path: string, line: number, text: string): Finding {
  return { path, line, rule: "failures", text };
}
