// What an error of the database or its driver says.
import { DomainError } from "../errors/domain-error.js";

/** SQLSTATE of an error of the database; undefined for anything else. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Name of the constraint that an error of the database names. */
export function constraintOf(error: unknown): string {
  const { constraint } = error as { constraint?: unknown };
  return typeof constraint === "string" ? constraint : "";
}

/** Classes: connection, resources, operator intervention, system error; and a server that is read-only. */
const AWAY = /^(?:08|53|57|58|25006|40003)/;
/** Errors of sockets, and of the driver, which has no codes for them. */
const SOCKET = /^(?:ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)/;
const DRIVER = /terminated|timeout|not queryable|closed the connection|Connection ended/i;

/** True when the database or the way to it failed: whether the work was done is not known. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const state = sqlStateOf(error);
  if (state !== undefined && AWAY.test(state)) return true;
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return SOCKET.test(code);
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  return !(error instanceof DomainError) && DRIVER.test(error.message);
}
