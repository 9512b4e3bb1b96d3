// REST by the annotations of the contracts.

import { http as httpRule } from "@bourse/shared/gen/google/api/annotations_pb.js";
import type { HttpRule } from "@bourse/shared/gen/google/api/http_pb.js";
import { file_google_rpc_error_details } from "@bourse/shared/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "@bourse/shared/gen/google/rpc/status_pb.js";
import {
  createRegistry,
  type DescField,
  fromJson,
  getOption,
  type JsonObject,
  type JsonValue,
} from "@bufbuild/protobuf";
import { type Answer, type Ask, CODE_NAMES, factsOf, headersOf, type Surface } from "./answer.js";
import { type HttpAnswer, send } from "./http.js";

const registry = createRegistry(file_google_rpc_error_details);

/** The REST surface of an edge. */
export function restSurface(httpUrl: string): Surface {
  return {
    name: "REST",
    encoding: "json",
    call: async (ask) => {
      const { verb, path, query, rest } = placeOf(ask);
      const body = ask.raw ?? (rest === undefined ? undefined : Buffer.from(JSON.stringify(rest)));
      const contentType: [string, string][] =
        body === undefined ? [] : [["content-type", ask.contentType ?? "application/json"]];
      const answer = await send({
        url: `${httpUrl}${path}${query === "" ? "" : `?${query}`}`,
        verb,
        headers: [...contentType, ...headersOf(ask)],
        body,
      });
      return statusAnswer(answer);
    },
  };
}

/** Where a call goes by REST; `rest` is its body, what the path does not say, or undefined without one. */
interface Place {
  readonly verb: string;
  readonly path: string;
  readonly query: string;
  readonly rest: JsonObject | undefined;
}

/** The first binding of the method whose path variables the request holds, filled in. */
function placeOf(ask: Ask): Place {
  const rule = getOption(ask.method, httpRule);
  const bindings = [rule, ...rule.additionalBindings].map((each) => ({
    rule: each,
    names: variablesOf(each),
  }));
  const binding =
    bindings.find(({ names }) => names.every((name) => given(ask, name) !== undefined)) ?? bindings[0];
  if (binding === undefined) throw new Error(`${ask.method.name} has no REST form`);
  const { pattern, body } = binding.rule;
  const template = typeof pattern.value === "string" ? pattern.value : "";
  const path = template.replaceAll(
    /\{([a-z_]+)(?:=([^}]*))?\}/g,
    (_text, name: string, segments?: string) => {
      const value = `${given(ask, name) ?? ""}`;
      // A symbol is two segments; whatever else stands in a variable is one.
      return segments === "*/*"
        ? value.split("/").map(encodeURIComponent).join("/")
        : encodeURIComponent(value);
    },
  );
  const verb = (pattern.case ?? "").toUpperCase();
  if (body !== "*") return { verb, path, query: queryOf(ask, binding.names), rest: undefined };
  const isInPath = ([key]: [string, unknown]) => binding.names.includes(fieldOf(ask, key)?.name ?? "");
  const rest = Object.fromEntries(Object.entries(ask.request).filter((entry) => !isInPath(entry)));
  return { verb, path, query: "", rest };
}

function variablesOf({ pattern }: HttpRule): string[] {
  const template = typeof pattern.value === "string" ? pattern.value : "";
  return [...template.matchAll(/\{([a-z_]+)/g)].map((match) => match[1] ?? "");
}

function fieldOf(ask: Ask, name: string): DescField | undefined {
  return ask.method.input.fields.find((field) => field.name === name || field.jsonName === name);
}

function given(ask: Ask, name: string): JsonValue | undefined {
  const field = fieldOf(ask, name);
  return field === undefined ? undefined : (ask.request[field.jsonName] ?? ask.request[field.name]);
}

function queryOf(ask: Ask, inPath: readonly string[]): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(ask.request)) {
    if (inPath.includes(fieldOf(ask, key)?.name ?? "")) continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(key, `${each}`);
  }
  return query.toString();
}

/** An answer whose body is the response, or google.rpc.Status as it is. */
export function statusAnswer({ status, headers, body }: HttpAnswer): Answer {
  const text = body.toString("utf8");
  const common = { http: status, headers, text };
  if (!text.startsWith("{"))
    return { code: "NONE", reason: undefined, field: undefined, facts: {}, body: {}, ...common };
  const json: JsonObject = JSON.parse(text);
  if (status === 200)
    return { code: "OK", reason: undefined, field: undefined, facts: {}, body: json, ...common };
  const wire = fromJson(StatusSchema, json, { registry });
  return { code: CODE_NAMES[wire.code] ?? "UNKNOWN", ...factsOf(wire), body: {}, ...common };
}
