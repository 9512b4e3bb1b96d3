// Page tokens: opaque to clients, bound to the list and the filters they came from.
import { DomainError } from "../errors/domain-error.js";

type Cell = string | number;

const TOKEN_LENGTH_MAX = 1_024;

/** Token of the page that goes on after `cursor`. `list` names the list with its filters. */
export function formatPageToken(list: string, cursor: readonly Cell[]): string {
  return Buffer.from(JSON.stringify([list, ...cursor])).toString("base64url");
}

/** Cursor of a token; undefined for "". Refuses with INVALID_PAGE_TOKEN what is not a token of this list. */
export function parsePageToken(
  list: string,
  token: string,
  types: readonly ("string" | "number")[],
): Cell[] | undefined {
  if (token === "") return undefined;
  const cells = token.length > TOKEN_LENGTH_MAX ? undefined : read(token);
  const fits =
    cells !== undefined &&
    cells.length === types.length + 1 &&
    cells[0] === list &&
    types.every((type, index) => isCell(type, cells[index + 1]));
  if (!fits) throw new DomainError("INVALID_PAGE_TOKEN", { field: "page_token" });
  return cells.slice(1) as Cell[];
}

function read(token: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** The most that a time of JavaScript, and so a timestamp of ours, can be. */
const TIME_MS_MAX = 8.64e15;

function isCell(type: "string" | "number", cell: unknown): boolean {
  if (type === "string") return typeof cell === "string" && UUID.test(cell);
  return Number.isSafeInteger(cell) && (cell as number) >= 0 && (cell as number) <= TIME_MS_MAX;
}
