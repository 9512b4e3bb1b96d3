// A REST request as the JSON form of its message: body, query and path, each read strictly.

import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { DomainError } from "../errors/domain-error.js";
import type { Route } from "./rest-routes.js";
import { fieldOf } from "./strict-message.js";

/** What of the request fills the message. `body` is absent where the route has none. */
export interface RestParts {
  readonly body: JsonValue | undefined;
  readonly query: string;
  readonly values: readonly string[];
}

/** JSON of the request message. Refuses unknown and repeated parameters, and escapes that are none. */
export function jsonOfRequest(route: Route, parts: RestParts): JsonValue {
  const { input } = route.method;
  if (route.hasBody) {
    const [first] = pairsOf(parts.query);
    if (first !== undefined) throw new DomainError("UNKNOWN_FIELD", { field: first[0] });
    return withVariables(route, parts);
  }
  const json = variablesOf(route, parts.values);
  for (const [key, text] of pairsOf(parts.query)) put(json, input, key, text);
  return json;
}

function variablesOf({ variables }: Route, values: readonly string[]): JsonObject {
  return Object.fromEntries(variables.map((field, index) => [field.jsonName, decode(values[index] ?? "")]));
}

/** The body with what the path says; a field of the path may not stand in the body too. */
function withVariables(route: Route, { body = null, values }: RestParts): JsonValue {
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  if (route.variables.length === 0 || !isObject) return body;
  for (const key of Object.keys(body)) {
    const field = fieldOf(route.method.input, key);
    // Another member of the same choice would name the thing a second time.
    const isTaken = ({ name, oneof }: DescField) =>
      field?.name === name || (oneof !== undefined && field?.oneof === oneof);
    if (field !== undefined && route.variables.some(isTaken))
      throw new DomainError("MALFORMED_REQUEST", { field: field.name, problem: "given twice" });
  }
  return { ...body, ...variablesOf(route, values) };
}

function put(json: JsonObject, input: DescMessage, key: string, text: string): void {
  const field = fieldOf(input, key);
  if (field === undefined) throw new DomainError("UNKNOWN_FIELD", { field: key });
  const value = leafOf(field, text);
  const present = json[field.jsonName];
  if (field.fieldKind === "list") {
    json[field.jsonName] = [...(Array.isArray(present) ? present : []), value];
    return;
  }
  if (present !== undefined)
    throw new DomainError("MALFORMED_REQUEST", { field: field.name, problem: "given twice" });
  json[field.jsonName] = value;
}

/** Query text as the JSON that the field's type has; what does not fit is refused with the message. */
function leafOf(field: DescField, text: string): JsonValue {
  const scalar = field.fieldKind === "scalar" || field.fieldKind === "list" ? field.scalar : undefined;
  if (scalar === ScalarType.BOOL) return text === "true" ? true : text === "false" ? false : text;
  // Proto JSON takes the number of an enum value only as a number.
  if (field.enum !== undefined && /^[0-9]{1,9}$/.test(text)) return Number(text);
  return text;
}

function pairsOf(query: string): [string, string][] {
  if (query === "") return [];
  return query.split("&").map((pair) => {
    const mark = pair.indexOf("=");
    const [key, value] = mark < 0 ? [pair, ""] : [pair.slice(0, mark), pair.slice(mark + 1)];
    return [decode(key.replaceAll("+", " ")), decode(value.replaceAll("+", " "))];
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new DomainError("MALFORMED_REQUEST", { problem: "not an escape" }, { cause });
  }
}
