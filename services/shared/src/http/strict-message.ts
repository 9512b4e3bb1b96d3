// JSON to a message of the contract, with a precise reason for what does not fit. protobuf's own reader
// accepts more (numbers for text, for example) and gives one message for everything.

import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  fromJson,
  type JsonValue,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { DomainError, type FailureReason } from "../errors/domain-error.js";

/** Well-known types with a JSON form of their own; `Timestamp` is the only one in our requests. */
const TIMESTAMP = "google.protobuf.Timestamp";
/** RFC 3339 in the years that protobuf knows, to the nanosecond. */
const RFC3339 =
  /^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/;
const WHOLE = /^-?(?:0|[1-9][0-9]{0,18})$/;

/**
 * Message of a JSON value. Refuses with the field: UNKNOWN_FIELD, INVALID_TYPE (a number where decimal
 * text belongs, for example), INVALID_ENUM, INVALID_TIME_RANGE; MALFORMED_REQUEST when a field stands
 * there under both of its names, or two members of one choice do.
 */
export function messageOfJson<D extends DescMessage>(schema: D, json: JsonValue): Message {
  checkMessage(schema, json, "");
  try {
    return fromJson(schema, json);
  } catch (cause) {
    throw new DomainError("MALFORMED_REQUEST", { problem: "not a message of the contract" }, { cause });
  }
}

function checkMessage(schema: DescMessage, json: JsonValue, path: string): void {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    if (path === "") throw new DomainError("MALFORMED_REQUEST", { problem: "not an object" });
    throw refusal("INVALID_TYPE", path);
  }
  const seen = new Set<DescField>();
  const chosen = new Set<DescOneof>();
  for (const [key, value] of Object.entries(json)) {
    const field = fieldOf(schema, key);
    if (field === undefined) throw refusal("UNKNOWN_FIELD", join(path, key));
    const name = join(path, field.name);
    if (seen.has(field))
      throw new DomainError("MALFORMED_REQUEST", { field: name, problem: "a field stands twice" });
    seen.add(field);
    const { oneof } = field;
    if (oneof !== undefined && chosen.has(oneof))
      throw new DomainError("MALFORMED_REQUEST", {
        field: name,
        problem: `more than one of ${oneof.fields.map(({ name: each }) => each).join(", ")}`,
      });
    if (oneof !== undefined) chosen.add(oneof);
    // null is "not given" in proto JSON; inside lists it is refused below.
    if (value !== null) checkField(field, value, name);
  }
}

function checkField(field: DescField, value: JsonValue, path: string): void {
  switch (field.fieldKind) {
    case "list":
      if (!Array.isArray(value)) throw refusal("INVALID_TYPE", path);
      for (const [index, item] of value.entries()) checkItem(field, item, `${path}[${index}]`);
      return;
    case "map":
      throw refusal("INVALID_TYPE", path);
    case "scalar":
    case "enum":
    case "message":
      checkItem(field, value, path);
  }
}

function checkItem(field: DescField, value: JsonValue, path: string): void {
  if (field.enum !== undefined) return checkEnum(field.enum, value, path);
  if (field.message?.typeName === TIMESTAMP) return checkTimestamp(value, path);
  if (field.message !== undefined) return checkMessage(field.message, value, path);
  const scalar = field.fieldKind === "scalar" || field.fieldKind === "list" ? field.scalar : undefined;
  if (scalar === undefined || !isScalar(scalar, value)) throw refusal("INVALID_TYPE", path);
}

function isScalar(scalar: ScalarType, value: JsonValue): boolean {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return typeof value === "string";
    case ScalarType.BOOL:
      return typeof value === "boolean";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return typeof value === "number";
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return isWhole(value, scalar === ScalarType.UINT64 || scalar === ScalarType.FIXED64 ? UINT64 : INT64);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return isWhole(value, UINT32);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return isWhole(value, INT32);
  }
}

const INT32 = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const UINT32 = [0n, 2n ** 32n - 1n] as const;
const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const UINT64 = [0n, 2n ** 64n - 1n] as const;

function isWhole(value: JsonValue, [least, most]: readonly [bigint, bigint]): boolean {
  const isText = typeof value === "string" && WHOLE.test(value);
  // A JSON number above 2^53 has already lost digits.
  if (!isText && !(typeof value === "number" && Number.isSafeInteger(value))) return false;
  const whole = BigInt(value);
  return whole >= least && whole <= most;
}

function checkEnum(desc: DescEnum, value: JsonValue, path: string): void {
  if (typeof value === "string" && desc.values.some(({ name }) => name === value)) return;
  if (typeof value === "number" && desc.values.some(({ number }) => number === value)) return;
  throw refusal(
    typeof value === "string" || typeof value === "number" ? "INVALID_ENUM" : "INVALID_TYPE",
    path,
  );
}

function checkTimestamp(value: JsonValue, path: string): void {
  if (typeof value !== "string") throw refusal("INVALID_TYPE", path);
  if (!RFC3339.test(value) || Number.isNaN(Date.parse(value))) throw refusal("INVALID_TIME_RANGE", path);
}

/** A field by its JSON name or its proto name. */
export function fieldOf(schema: DescMessage, key: string): DescField | undefined {
  return schema.fields.find((field) => field.jsonName === key || field.name === key);
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function refusal(reason: FailureReason, field: string): DomainError {
  return new DomainError(reason, { field });
}
