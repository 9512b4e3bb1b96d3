// Makes a bad call on a surface and says what is wrong with the answer.
import type { Surfaces } from "../surfaces/all.js";
import type { Answer, Ask, Surface, SurfaceName } from "../surfaces/answer.js";
import { isStreamed } from "../surfaces/order-entry.js";
import type { Row } from "./row.js";

/** HTTP statuses by gRPC code; REST is more precise for some reasons. */
const HTTP: Readonly<Record<string, number>> = {
  OK: 200,
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 429,
  UNIMPLEMENTED: 501,
};

/** Words that only the inside of a process knows. */
const INSIDE = /node_modules|\.[jt]s:\d+|\n\s+at |file:\/\/|services\/|postgres|relation "|ECONNREFUSED/;

/** Surfaces that can express a row; the stream carries whole orders and cancels, nothing broken. */
export function surfacesOf(row: Row, { all, orderEntry }: Surfaces): readonly Surface[] {
  const { on, raw, headers, contentType } = row;
  const isWhole = raw === undefined && headers === undefined && contentType === undefined;
  if (on === undefined && isWhole && isStreamed(row)) return [...all, orderEntry];
  if (on === undefined) return all;
  return all.filter(({ name, encoding }) => (typeof on === "string" ? encoding === on : on.includes(name)));
}

/** The call of a row. */
export function askOf(row: Row, token: string | undefined): Ask {
  const { method, request, raw, headers = [], contentType } = row;
  return { method, request, token, raw, headers, contentType };
}

/** What is wrong with the answer to a row; empty when nothing is. */
export function faultsOf(row: Row, surface: SurfaceName, answer: Answer): string[] {
  const codes = typeof row.code === "string" ? [row.code] : row.code;
  const faults: string[] = [];
  const expect = (what: string, isTrue: boolean, got: unknown) => {
    if (!isTrue)
      faults.push(
        `${surface}: ${what}, got ${JSON.stringify(got)} in ${JSON.stringify(answer.text.slice(0, 300))}`,
      );
  };
  expect(`code ${codes.join(" or ")}`, codes.includes(answer.code), answer.code);
  if (row.reason !== undefined) expect(`reason ${row.reason}`, answer.reason === row.reason, answer.reason);
  if (row.field !== undefined) {
    expect(`field ${row.field} in BadRequest`, answer.field === row.field, answer.field);
    expect(`field ${row.field} in the facts`, answer.facts.field === row.field, answer.facts);
  }
  const statuses = httpOf(row, surface, answer.code);
  if (statuses !== undefined)
    expect(`HTTP ${statuses.join(" or ")}`, statuses.includes(answer.http ?? 0), answer.http);
  expect(
    "no failure of ours",
    answer.code !== "INTERNAL" && answer.code !== "UNKNOWN" && answer.http !== 500,
    answer.code,
  );
  expect("nothing of the inside", !INSIDE.test(answer.text), answer.text.slice(0, 300));
  return faults;
}

/** HTTP statuses that the answer may have; undefined on gRPC. gRPC-Web carries its code inside a 200. */
function httpOf(row: Row, surface: SurfaceName, code: string): readonly number[] | undefined {
  const own = row.http?.[surface];
  if (own !== undefined) return typeof own === "number" ? [own] : own;
  if (surface === "gRPC" || surface === "OrderEntry") return undefined;
  if (surface === "gRPC-Web") return [200];
  return [HTTP[code] ?? 0];
}
