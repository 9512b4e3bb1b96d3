// Each rule of tidy is shown a file that breaks it and one that keeps it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DomainError, type FailureReason, failures } from "@bourse/shared/errors/domain-error.js";
import { httpStatusOf } from "@bourse/shared/errors/to-wire.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HTTP_STATUS, HTTP_STATUS_OF_REASON, writePage } from "./failures.js";
import { tidy } from "./run.js";

const REPOSITORY = new URL("../..", import.meta.url).pathname;

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tidy-"));
  execFileSync("git", ["init", "-q"], { cwd: root });
  write("services/shared/src/errors/domain-error.ts", TABLE);
  write("proto/README.md", PAGE);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const TABLE = `export const failures = {
  ORDER_NOT_FOUND: { status: "NOT_FOUND", text: "there is no such order" },
} as const;
`;
const PAGE = `# Contracts

<!-- failures: begin (npm run tidy -- --write) -->

| reason | gRPC code | HTTP | message | what to do |
|---|---|---|---|---|
| \`ORDER_NOT_FOUND\` | NOT_FOUND | 404 | there is no such order | Check the id. |

<!-- failures: end -->
`;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** What tidy says about a tree that holds this one file besides the table and its page. */
function said(path: string, text: string): string[] {
  write(path, text);
  return tidy(root).map((each) => `${each.line} ${each.rule}: ${each.text}`);
}

const lines = (count: number, line: string) => `${line}\n`.repeat(count);

describe("rooms: an import that the table refuses is found", () => {
  test.each([
    ["matcher/src/core/book.ts", `import { createHash } from "node:crypto";`, "core imports no library"],
    ["matcher/src/core/book.ts", `import fc from "fast-check";`, "core imports no library"],
    [
      "matcher/src/core/book.ts",
      `import { log } from "@bourse/shared/runtime/log.js";`,
      "core uses shared assert",
    ],
    [
      "matcher/src/core/book.ts",
      `import type { Journal } from "../io/journal.js";`,
      "core may not import io",
    ],
    ["matcher/src/core/book.ts", `import { run } from "../flow/sequence.js";`, "core may not import flow"],
    [
      "wallet/src/io/accounts.ts",
      `import { decide } from "../core/reserve.js";`,
      "io may import types of core only",
    ],
    ["wallet/src/io/accounts.ts", `import { reserve } from "../flow/reserve.js";`, "io may not import flow"],
    ["wallet/src/io/accounts.ts", `import type { X } from "../rpc/service.js";`, "io may not import rpc"],
    [
      "wallet/src/flow/reserve.ts",
      `import { S } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";`,
      "not import gen",
    ],
    ["wallet/src/flow/reserve.ts", `import { h } from "../rpc/service.js";`, "flow may not import rpc"],
    ["wallet/src/flow/reserve.ts", `import { Pool } from "pg";`, "flow reaches the world through io"],
    ["wallet/src/rpc/service.ts", `import { insert } from "../io/accounts.js";`, "rpc may not import io"],
    ["matcher/src/rpc/a.ts", `import { encode } from "../record/codec.js";`, "rpc may not import record"],
    ["matcher/src/flow/a.ts", `import { encode } from "../record/codec.js";`, "flow may not import record"],
    ["matcher/src/record/codec.ts", `import { open } from "../io/journal.js";`, "record may not import io"],
    [
      "matcher/src/record/codec.ts",
      `import { recover } from "../flow/recover.js";`,
      "record may import types of flow only",
    ],
    [
      "wallet/src/rpc/service.ts",
      `import { reserve } from "../flow/reserve.js";`,
      "rpc may import types of flow only",
    ],
    [
      "order-gateway/src/http/rest.ts",
      `import { rate } from "../core/rate-limit.js";`,
      "http may import types of core only",
    ],
    ["wallet/src/config.ts", `import { reserve } from "./flow/reserve.js";`, "config names settings only"],
    [
      "wallet/src/main.ts",
      `import { apply } from "@bourse/matcher/core/apply.js";`,
      "services meet in proto/ only",
    ],
    [
      "wallet/src/main.ts",
      `const apply = await import("@bourse/matcher/core/apply.js");`,
      "services meet in proto/ only",
    ],
    [
      "wallet/src/main.ts",
      `type A = import("../../matcher/src/core/apply.js").A;`,
      "services meet in proto/ only",
    ],
    ["wallet/src/main.ts", `import { x } from "../../../proto/x.js";`, "leads out of the workspaces"],
    ["wallet/src/helpers.ts", `export const x = 1;`, "lies in no room"],
    ["shared/src/units/atoms.ts", `import { v5 } from "uuid";`, "what a core may use imports no library"],
    [
      "shared/src/runtime/log.ts",
      `import { serve } from "../rpc/server.js";`,
      "stands lower in the list of shared",
    ],
    [
      "shared/src/errors/to-wire.ts",
      `import { b } from "../runtime/batched.js";`,
      "stands lower in the list of shared",
    ],
    [
      "shared/src/rpc/server.ts",
      `import { apply } from "@bourse/wallet/core/settle.js";`,
      "services meet in proto/ only",
    ],
    ["shared/src/misc/thing.ts", `export const x = 1;`, "lies in no room of shared"],
    [
      "client/src/client.ts",
      `import { openPool } from "@bourse/shared/postgres/pool.js";`,
      "client may not use shared postgres",
    ],
    [
      "client/src/client.ts",
      `import { place } from "@bourse/order-gateway/flow/place-order.js";`,
      "services meet in proto/",
    ],
    ["bots/src/maker.ts", `import { startMesh } from "@bourse/local/mesh.js";`, "not for bots"],
    [
      "local/src/mesh.ts",
      `import { settle } from "@bourse/wallet/core/settle.js";`,
      "services meet in proto/ only",
    ],
    [
      "e2e/src/crash.test.ts",
      `import { settle } from "@bourse/wallet/core/settle.js";`,
      "services meet in proto/ only",
    ],
  ])("services/%s with %s", (path, text, expected) => {
    expect(said(`services/${path}`, `${text}\n`)).toContainEqual(expect.stringContaining(expected));
  });

  test("scripts may not reach into a service, but for the matcher's core", () => {
    expect(said("scripts/a.ts", `import { x } from "@bourse/wallet/flow/settle.js";\n`)).toHaveLength(1);
    expect(said("scripts/a.ts", `import { x } from "@bourse/matcher/core/slow-book.js";\n`)).toEqual([]);
  });
});

describe("rooms: an import that the table allows is not", () => {
  test.each([
    ["matcher/src/core/apply.ts", `import { b } from "./book.js";`],
    ["matcher/src/core/apply.ts", `import { assert } from "@bourse/shared/assert.js";`],
    ["matcher/src/core/apply.ts", `import { DomainError } from "@bourse/shared/errors/domain-error.js";`],
    ["matcher/src/core/apply.test.ts", `import fc from "fast-check";`],
    ["wallet/src/io/accounts.ts", `import type { Balance } from "../core/reserve.js";`],
    ["wallet/src/io/accounts.ts", `import { type Balance, type Hold } from "../core/reserve.js";`],
    ["wallet/src/io/accounts.ts", `import { Pool } from "pg";`],
    [
      "wallet/src/flow/reserve.ts",
      `import { decide } from "../core/reserve.js";\nimport { lock } from "../io/accounts.js";`,
    ],
    ["wallet/src/flow/reserve.ts", `import type { Pool } from "pg";`],
    ["wallet/src/rpc/service.ts", `import type { reserve } from "../flow/reserve.js";`],
    ["matcher/src/record/codec.ts", `import { applyCommand } from "../core/apply.js";`],
    ["matcher/src/record/codec.ts", `import { sides } from "../rpc/matcher-words.js";`],
    ["wallet/src/rpc/service.ts", `import { W } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";`],
    [
      "wallet/src/settler-main.ts",
      `import { x } from "./flow/sweep.js";\nimport { y } from "./io/cursors.js";`,
    ],
    ["wallet/src/config.ts", `import { z } from "zod";`],
    ["shared/src/rpc/server.ts", `import { createLogger } from "../runtime/log.js";`],
    ["client/src/client.ts", `import { openChannel } from "@bourse/shared/rpc/client.js";`],
    ["bots/src/maker.ts", `import { connect } from "@bourse/client/client.js";`],
    ["e2e/src/crash.test.ts", `import { startMesh } from "@bourse/local/mesh.js";`],
  ])("services/%s with %s", (path, text) => {
    expect(said(`services/${path}`, `${text}\n`)).toEqual([]);
  });
});

describe("sizes", () => {
  test("a function of 71 lines is found, one of 70 is not", () => {
    const body = (count: number) => `export function run(): void {\n${lines(count - 2, "  work();")}}\n`;
    expect(said("services/wallet/src/core/a.ts", body(71))).toEqual([
      "1 sizes: a function of 71 lines, at most 70",
    ]);
    expect(said("services/wallet/src/core/a.ts", body(70))).toEqual([]);
  });

  test("a method and an arrow function count like any other", () => {
    const method = `export class A {\n  run(): void {\n${lines(70, "    work();")}  }\n}\n`;
    const arrow = `export const run = () => {\n${lines(70, "  work();")}};\n`;
    expect(said("services/wallet/src/core/a.ts", method)).toHaveLength(1);
    expect(said("services/wallet/src/core/a.ts", arrow)).toHaveLength(1);
  });

  test("a file of 401 lines is found, one of 400 and a long test are not", () => {
    expect(said("services/wallet/src/core/a.ts", lines(401, "work();"))).toEqual([
      "0 sizes: 401 lines, at most 400",
    ]);
    expect(said("services/wallet/src/core/a.ts", lines(400, "work();"))).toEqual([]);
    expect(said("services/wallet/src/core/a.test.ts", lines(401, "work();"))).toEqual([]);
  });

  test("a suite is a list of tests, so only the tests in it are measured", () => {
    const suite = (inner: string) => `describe("a", () => {\n${inner}});\n`;
    expect(said("services/wallet/src/core/a.test.ts", suite(lines(80, "  test();")))).toEqual([]);
    const long = `  test("b", () => {\n${lines(80, "    work();")}  });\n`;
    expect(said("services/wallet/src/core/a.test.ts", suite(long))).toHaveLength(1);
  });
});

describe("names", () => {
  test.each([
    "services/wallet/src/core/settleTrade.ts",
    "services/wallet/src/core/settle_trade.ts",
    "scripts/Audit.ts",
  ])("%s is not kebab-case", (path) => {
    expect(said(path, "\n")).toContain("0 names: not in kebab-case");
  });

  test.each([
    "services/wallet/migrations/0001-accounts.up.sql",
    "services/wallet/README.md",
    "services/a/src/main.ts",
  ])("%s is", (path) => {
    expect(said(path, "\n")).toEqual([]);
  });
});

describe("banned", () => {
  test.each([
    ["matcher/src/core/a.ts", "export const at = Date.now();", "core has no clock"],
    ["matcher/src/core/a.ts", "export const at = new Date();", "core has no clock"],
    ["matcher/src/core/a.ts", "export const at = performance.now();", "core has no clock"],
    ["matcher/src/core/a.ts", "export const dice = Math.random();", "no randomness"],
    ["matcher/src/core/a.ts", "export async function a(): Promise<void> {}", "core is synchronous"],
    ["matcher/src/core/a.ts", "export const later = () => setTimeout(work, 1);", "touches nothing outside"],
    ["matcher/src/core/a.ts", "export const price = parseFloat(text);", "no floating point"],
    ["wallet/src/flow/a.ts", "export const url = process.env.URL;", "settings are read by runtime/config"],
    ["wallet/src/io/a.ts", `export const url = process.env["URL"];`, "settings are read by runtime/config"],
    ["wallet/src/flow/a.ts", "process.exit(1);", "life and main end the process"],
    ["wallet/src/flow/a.test.ts", "const dice = Math.random();", "randomness comes in"],
    ["wallet/src/flow/a.test.ts", `test.skip("a", () => {});`, "every test runs"],
    ["wallet/src/flow/a.test.ts", `describe.only("a", () => {});`, "every test runs"],
    ["wallet/src/flow/a.test.ts", `test.skipIf(true)("a", () => {});`, "every test runs"],
    ["wallet/src/flow/a.ts", "// @ts-ignore\nwork();", "the compiler is not silenced"],
    ["wallet/src/flow/a.ts", "// TODO: later\nwork();", "a TODO carries an issue number"],
    ["wallet/src/flow/a.ts", `export { x } from "./b.js";`, "import the file that defines a thing"],
    ["wallet/src/flow/a.ts", `export * from "./b.js";`, "import the file that defines a thing"],
  ])("services/%s with %s", (path, text, expected) => {
    expect(said(`services/${path}`, `${text}\n`)).toContainEqual(expect.stringContaining(expected));
  });

  test.each([
    ["services/wallet/src/main.ts", "const env = process.env;"],
    ["services/run.mjs", "const env = process.env;"],
    ["services/shared/src/runtime/config.ts", "export const env = process.env;"],
    ["scripts/start.mjs", "const env = process.env;"],
    ["services/matcher/src/flow/sequence.ts", "export const at = Date.now();"],
    [
      "services/matcher/src/core/a.ts",
      "export interface A { readonly process: string }\nexport const a = { process: 1 };",
    ],
    ["services/matcher/src/core/a.ts", "// TODO(#12): stops.\nexport const a = 1;"],
    ["services/shared/src/runtime/log.ts", `export type { Logger } from "pino";`],
  ])("%s may have %s", (path, text) => {
    expect(said(path, `${text}\n`)).toEqual([]);
  });
});

describe("failures", () => {
  test("the HTTP column is what REST answers", () => {
    for (const [reason, { status }] of Object.entries(failures)) {
      const shown = HTTP_STATUS_OF_REASON[reason] ?? HTTP_STATUS[status];
      expect(shown, reason).toBe(httpStatusOf(new DomainError(reason as FailureReason)));
    }
  });

  const table = (rows: string) => `export const failures = {\n${rows}\n} as const;\n`;
  const second = `  ORDER_NOT_FOUND: { status: "NOT_FOUND", text: "there is no such order" },
  RATE_LIMITED: { status: "RESOURCE_EXHAUSTED", text: "too many requests" },`;

  test("a failure without a row is found, and written by writePage without an explanation", () => {
    const path = "services/shared/src/errors/domain-error.ts";
    expect(said(path, table(second))).toEqual(["0 failures: RATE_LIMITED is not documented"]);
    writePage(root);
    expect(said(path, table(second))).toEqual(["8 failures: RATE_LIMITED says not what to do"]);
  });

  test("a row whose code or text differs is found, and one of a failure that does not exist", () => {
    expect(said("proto/README.md", PAGE.replace("| 404 |", "| 400 |"))).toEqual([
      "7 failures: ORDER_NOT_FOUND differs from the table of failures",
    ]);
    expect(said("proto/README.md", PAGE.replace("such order |", "order |"))).toHaveLength(1);
    const extra = "| `GONE` | NOT_FOUND | 404 | gone | Nothing. |";
    expect(
      said("proto/README.md", PAGE.replace("|---|---|---|---|---|", `|---|---|---|---|---|\n${extra}`)),
    ).toEqual(["7 failures: GONE does not exist"]);
  });

  test("a contract that names an unknown reason is found", () => {
    const proto = (reason: string) => `// Errors: NOT_FOUND (${reason}).\nrpc A(B) returns (C);\n`;
    const path = "proto/bourse/a/v1/a.proto";
    expect(said(path, proto("ORDER_LOST"))).toEqual([
      "1 failures: ORDER_LOST is not in the table of failures",
    ]);
    expect(said(path, proto("ORDER_NOT_FOUND"))).toEqual([]);
  });
});

describe("the command", () => {
  const run = () =>
    spawnSync("node", ["--import", "tsx", "--conditions=source", "scripts/tidy.ts", "--root", root], {
      cwd: REPOSITORY,
      encoding: "utf8",
    });

  test("says where, which rule and what, and exits 1; a tree in order exits 0", () => {
    expect(run()).toMatchObject({ status: 0, stdout: "tidy: all in order\n" });
    write("services/wallet/src/rpc/a.ts", `import { x } from "../io/b.js";\n`);
    const text =
      "services/wallet/src/rpc/a.ts:1 rooms: imports ../io/b.js: rpc may not import io\ntidy: 1 findings\n";
    expect(run()).toMatchObject({ status: 1, stdout: text });
  });
});
