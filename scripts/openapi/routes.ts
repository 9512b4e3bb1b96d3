// The public REST routes as the contracts state them: one list for the document and for its test.

import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { OrderGatewayService } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { http } from "@bourse/shared/gen/google/api/annotations_pb.js";
import type { HttpRule } from "@bourse/shared/gen/google/api/http_pb.js";
import { type DescField, type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";

/** What the edge serves. */
export const PUBLIC_SERVICES = [OrderGatewayService, AccountService, MarketDataService] as const;

/** One route: a method of a service under one of its bindings. */
export interface Route {
  readonly method: DescMethod;
  readonly verb: string;
  /** As in the contract, with its variables in braces. */
  readonly template: string;
  /** As OpenAPI writes it; a variable of two segments is two parameters. */
  readonly path: string;
  readonly variables: readonly Variable[];
  readonly hasBody: boolean;
  /** Place among the bindings of its method, from 0. */
  readonly binding: number;
}

/** A path variable and the parameters that it is split into. */
export interface Variable {
  readonly field: DescField;
  readonly parameters: readonly string[];
}

/** Every route of the public services, in the order of the contracts. */
export function publicRoutes(): Route[] {
  return PUBLIC_SERVICES.flatMap((service) => service.methods.flatMap(routesOf));
}

function routesOf(method: DescMethod): Route[] {
  if (!hasOption(method, http)) return [];
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].map((each, binding) => routeOf(method, each, binding));
}

function routeOf(method: DescMethod, rule: HttpRule, binding: number): Route {
  const { verb, template } = patternOf(rule);
  const variables: Variable[] = [];
  const path = template.replaceAll(/\{([a-z_.]+)(?:=([^}]*))?\}/g, (_text, name: string, segments = "*") => {
    const variable = variableOf(method, name, segments);
    variables.push(variable);
    return variable.parameters.map((parameter) => `{${parameter}}`).join("/");
  });
  return { method, verb, template, path, variables, hasBody: rule.body !== "", binding };
}

function patternOf(rule: HttpRule): { verb: string; template: string } {
  const { pattern } = rule;
  if (pattern.case === undefined) throw new Error("a binding without a path");
  if (pattern.case === "custom")
    return { verb: pattern.value.kind.toLowerCase(), template: pattern.value.path };
  return { verb: pattern.case, template: pattern.value };
}

function variableOf(method: DescMethod, name: string, segments: string): Variable {
  const field = method.input.fields.find((each) => each.name === name);
  if (field === undefined) throw new Error(`${method.name} has no field ${name}`);
  switch (segments) {
    case "*":
      return { field, parameters: [field.jsonName] };
    case "*/*":
      // The only variable of two segments there is: a symbol.
      return { field, parameters: ["base", "quote"] };
    default:
      throw new Error(`a path variable ${segments} is not documented yet`);
  }
}
