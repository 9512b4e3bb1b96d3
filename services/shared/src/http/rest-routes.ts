// Routes from the google.api.http annotations of the contracts: the only routing table of REST.

import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
} from "@bufbuild/protobuf";
import { assert } from "../assert.js";
import { http } from "../gen/google/api/annotations_pb.js";
import type { HttpRule } from "../gen/google/api/http_pb.js";

/** One way to call a method by HTTP. */
export interface Route {
  readonly verb: string;
  readonly path: RegExp;
  /** Fields that the groups of `path` fill, in order. */
  readonly variables: readonly DescField[];
  readonly method: DescMethod;
  /** True when the body is the request message. */
  readonly hasBody: boolean;
}

/** What a path and verb stand for. */
export type Match =
  | { readonly type: "route"; readonly route: Route; readonly values: readonly string[] }
  | { readonly type: "wrong_verb"; readonly allow: readonly string[] }
  | { readonly type: "none" };

/** All routes of the services, those with fewer variables first, so that literal paths win. */
export function routesOf(services: readonly DescService[]): Route[] {
  const routes = services.flatMap((service) => service.methods.flatMap(routesOfMethod));
  return routes.sort((a, b) => a.variables.length - b.variables.length);
}

/** The route of a raw path, nothing of it decoded. */
export function matchRoute(routes: readonly Route[], verb: string, path: string): Match {
  const allow = new Set<string>();
  for (const route of routes) {
    const match = route.path.exec(path);
    if (match === null) continue;
    if (route.verb === verb) return { type: "route", route, values: match.slice(1) };
    allow.add(route.verb);
  }
  return allow.size === 0 ? { type: "none" } : { type: "wrong_verb", allow: [...allow] };
}

function routesOfMethod(method: DescMethod): Route[] {
  if (!hasOption(method, http)) return [];
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].map((binding) => routeOf(method, binding));
}

function routeOf(method: DescMethod, rule: HttpRule): Route {
  const { case: verb, value: template } = rule.pattern;
  assert(verb !== undefined && verb !== "custom", `${method.name} is bound to a verb of HTTP`);
  assert(rule.body === "" || rule.body === "*", `${method.name} takes its whole request as body, or none`);
  const { path, names } = compileTemplate(template);
  const variables = names.map((name) => variableOf(method.input, name));
  return { verb: verb.toUpperCase(), path, variables, method, hasBody: rule.body === "*" };
}

/**
 * A path template of AIP-127 as a regular expression with one group per variable:
 * `/v1/{name=shelves/*}/books/{id}` matches `/v1/shelves/7/books/x` with "shelves/7" and "x".
 */
export function compileTemplate(template: string): { path: RegExp; names: string[] } {
  const names: string[] = [];
  const source = template.replace(
    /\{(\w+)(?:=([^}]*))?\}|([^{]+)/g,
    (_, name: string | undefined, pattern: string | undefined, literal: string | undefined) => {
      if (name === undefined) return segments(literal ?? "");
      names.push(name);
      return `(${segments(pattern ?? "*")})`;
    },
  );
  return { path: new RegExp(`^${source}$`), names };
}

function segments(pattern: string): string {
  return pattern.split("/").map(segment).join("/");
}

function segment(text: string): string {
  if (text === "**") return ".+";
  return text === "*" ? "[^/]+" : text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function variableOf(message: DescMessage, name: string): DescField {
  const field = message.fields.find((candidate) => candidate.name === name);
  assert(field !== undefined && field.fieldKind === "scalar", `${message.name} has a plain field ${name}`);
  return field;
}
