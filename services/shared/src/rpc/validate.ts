// Static rules of the contracts (buf.validate) as failures of the table.
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { DomainError, type FailureReason } from "../errors/domain-error.js";
import { checkDecimal } from "../units/atoms.js";

// The library's own engine of regular expressions costs four times the rest of a validation. It guards
// against patterns of strangers; ours are in proto/, anchored, and linear in any engine.
const patterns = new Map<string, RegExp>();
const validator = createValidator({ regexMatch });

function regexMatch(pattern: string, text: string): boolean {
  const known = patterns.get(pattern);
  if (known !== undefined) return known.test(text);
  const compiled = new RegExp(pattern, "u");
  patterns.set(pattern, compiled);
  return compiled.test(text);
}

/** Decimal text: the number grammar itself says what is wrong. */
const DECIMALS: ReadonlySet<string> = new Set(["price", "quantity", "quote_budget", "stop_price", "amount"]);

/** A field that breaks its rule for any other cause than being absent. */
const REASON_OF_FIELD: Readonly<Record<string, FailureReason>> = {
  symbol: "INVALID_SYMBOL",
  symbols: "INVALID_SYMBOL",
  client_order_id: "INVALID_CLIENT_ORDER_ID",
  order_id: "INVALID_ORDER_ID",
  user_id: "INVALID_USER_ID",
  request_id: "INVALID_REQUEST_ID",
  asset: "INVALID_ASSET",
  page_size: "INVALID_PAGE_SIZE",
  levels: "INVALID_LEVELS",
};

/**
 * Checks a message against the rules of its contract. Refuses with the first broken rule in the order
 * of the fields: FIELD_REQUIRED, INVALID_ENUM or the reason of the field, with the field's path and, where the
 * rule has a limit, the rule's own words as `problem`.
 */
export function validateRequest(schema: DescMessage, message: Message): void {
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return;
  if (result.kind === "error") throw result.error;
  const [first] = [...result.violations].sort((a, b) => fieldNumber(a) - fieldNumber(b));
  if (first !== undefined) throw failureOf(first, message);
}

function failureOf(violation: Violation, message: Message): DomainError {
  const field = pathOf(violation);
  const name = nameOf(violation);
  const { ruleId, message: problem } = violation;
  if (ruleId === "required") return new DomainError("FIELD_REQUIRED", { field });
  if (ruleId.startsWith("enum.")) return new DomainError("INVALID_ENUM", { field });
  if (DECIMALS.has(name)) return decimalFailure(field, brokenValue(violation, message));
  // How many there are is a matter of the list, not of what stands in it.
  const reason = ruleId.startsWith("repeated.") ? undefined : REASON_OF_FIELD[name];
  return new DomainError(reason ?? "INVALID_FIELD", { field, ...(problem === "" ? {} : { problem }) });
}

/** For example `items[1].place.quantity`. */
function pathOf({ field }: Violation): string {
  let path = "";
  for (const part of field) {
    if (part.kind === "list_sub") path += `[${part.index}]`;
    else if (part.kind === "field" || part.kind === "oneof") path += `${path === "" ? "" : "."}${part.name}`;
  }
  return path;
}

function nameOf({ field }: Violation): string {
  const named = field.findLast((part) => part.kind === "field" || part.kind === "oneof");
  return named !== undefined && "name" in named ? (named.name ?? "") : "";
}

function decimalFailure(field: string, value: unknown): DomainError {
  try {
    checkDecimal(field, typeof value === "string" ? value : "");
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  return new DomainError("INVALID_DECIMAL", { field });
}

function brokenValue(violation: Violation, message: Message): unknown {
  let value: unknown = message;
  for (const part of violation.field) {
    if (typeof value !== "object" || value === null) return undefined;
    const container = value as Record<string | number, unknown>;
    if (part.kind === "list_sub") {
      value = container[part.index];
      continue;
    }
    if (part.kind !== "field") return undefined;
    const oneof =
      part.oneof === undefined ? undefined : (container[part.oneof.localName] as { value?: unknown });
    value = oneof === undefined ? container[part.localName] : oneof.value;
  }
  return value;
}

function fieldNumber(violation: Violation): number {
  const [part] = violation.field;
  if (part?.kind === "field") return part.number;
  return part?.kind === "oneof" ? (part.fields[0]?.number ?? 0) : 0;
}

/** Compiles the rules of a message type ahead of the first call, which would otherwise take 40 to 100 ms. */
export function warmUp(schema: DescMessage, empty: Message): void {
  validator.validate(schema, empty);
}
