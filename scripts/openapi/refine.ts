// What the generator cannot say about the REST API, added to its document: symbols as two segments,
// bearer tokens, the rules of validation, streams, operation ids that are unique.

import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { field as fieldRules } from "@bourse/shared/gen/buf/validate/validate_pb.js";
import { type DescField, type DescMessage, getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import { PUBLIC_SERVICES, publicRoutes, type Route } from "./routes.js";

/** The parts of an OpenAPI document that are touched here. */
export interface Schema {
  type?: string;
  format?: string;
  pattern?: string;
  minimum?: number;
  enum?: string[];
  description?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  allOf?: Schema[];
  $ref?: string;
}
export interface Parameter {
  name: string;
  in: string;
  description?: string;
  required?: boolean;
  schema: Schema;
}
export interface Operation {
  tags: string[];
  description?: string;
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }>; required?: boolean };
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
  security?: Record<string, string[]>[];
}
export interface Document {
  openapi: string;
  info: {
    title: string;
    version: string;
    description?: string;
    license?: { name: string; identifier?: string };
  };
  servers?: { url: string; description: string }[];
  security?: Record<string, string[]>[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes?: Record<string, unknown> };
  tags: { name: string; description?: string }[];
}

const ASSET_PATTERN = "^[A-Za-z0-9]{1,20}$";

/** The refined document. Applied to its own result it changes nothing. */
export function refine(raw: Document): Document {
  const paths: Document["paths"] = {};
  for (const route of publicRoutes()) {
    const operation = operationOf(raw, route);
    paths[route.path] = { ...paths[route.path], [route.verb]: refineOperation(operation, route) };
  }
  return {
    openapi: raw.openapi,
    info: {
      title: raw.info.title,
      version: raw.info.version,
      description: "Generated from proto/; how to read it and every failure: proto/README.md.",
      license: { name: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "the exchange that serves this page" }],
    security: [{ bearer: [] }],
    paths: Object.fromEntries(Object.entries(paths).sort(([left], [right]) => (left < right ? -1 : 1))),
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
      schemas: refineSchemas(raw.components.schemas),
    },
    tags: raw.tags
      .filter(({ name }) => PUBLIC_SERVICES.some((service) => service.name === name))
      .map((tag) => ({ ...tag, ...described(tag.description) })),
  };
}

/** Path that the generator writes for a route, or the refined one. */
function operationOf(raw: Document, route: Route): Operation {
  const generated = route.template
    .replaceAll(/\{[a-z_]+=\*\/\*\}/g, "*/{*}")
    .replaceAll(/\{([a-z_]+)\}/g, (_text, name: string) => `{${jsonNameOf(route, name)}}`);
  const operation = raw.paths[route.path]?.[route.verb] ?? raw.paths[generated]?.[route.verb];
  if (operation === undefined) throw new Error(`the generated document has no ${route.verb} ${generated}`);
  return operation;
}

function jsonNameOf(route: Route, name: string): string {
  return route.method.input.fields.find((field) => field.name === name)?.jsonName ?? name;
}

function refineOperation(operation: Operation, route: Route): Operation {
  const { method } = route;
  const inQuery = (operation.parameters ?? []).filter(
    (each) => each.in === "query" && isQueryField(route, each.name),
  );
  const parameters = [
    ...pathParameters(route),
    ...inQuery.map((each) => refineParameter(each, method.input)),
  ];
  const suffix = route.binding === 0 ? "" : `By${capitalized(route.variables[0]?.field.jsonName ?? "")}`;
  return {
    tags: operation.tags,
    ...described(operation.description),
    operationId: `${method.parent.name}_${method.name}${suffix}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(operation.requestBody === undefined ? {} : { requestBody: operation.requestBody }),
    responses: isStream(route) ? streamResponses(operation, route) : operation.responses,
    ...(method.parent === MarketDataService ? { security: [] } : {}),
  };
}

/** A field of the query: not in the path, and not the other member of a oneof whose member is. */
function isQueryField(route: Route, jsonName: string): boolean {
  const inPath = route.variables.map((variable) => variable.field);
  const field = route.method.input.fields.find((each) => jsonName === each.jsonName);
  if (field === undefined || inPath.includes(field)) return false;
  return field.oneof === undefined || inPath.every((each) => each.oneof !== field.oneof);
}

function pathParameters(route: Route): Parameter[] {
  return route.variables.flatMap(({ field, parameters }): Parameter[] => {
    if (parameters.length === 1) {
      const schema = { type: "string", ...rulesOf(field) };
      return [{ name: field.jsonName, in: "path", required: true, schema }];
    }
    const description = [
      "base asset of the market, for example BTC",
      "quote asset of the market, for example USDT",
    ];
    return parameters.map((name, index) => ({
      name,
      in: "path",
      description: description[index] ?? "",
      required: true,
      schema: { type: "string", pattern: ASSET_PATTERN },
    }));
  });
}

function refineParameter(parameter: Parameter, input: DescMessage): Parameter {
  const field = input.fields.find((each) => each.jsonName === parameter.name);
  if (field === undefined) throw new Error(`${input.name} has no field ${parameter.name}`);
  return { ...parameter, ...described(parameter.description), schema: withRules(parameter.schema, field) };
}

function isStream(route: Route): boolean {
  return route.method.methodKind === "server_streaming";
}

/** One line of JSON for each message, as the gateway writes a stream. */
function streamResponses(operation: Operation, route: Route): Operation["responses"] {
  const failure = operation.responses.default;
  const schema: Schema = {
    type: "object",
    description: "One line each: `result` for a message, `error` when the stream ends with a failure.",
    properties: {
      result: { $ref: `#/components/schemas/${route.method.output.typeName}` },
      error: { $ref: "#/components/schemas/google.rpc.Status" },
    },
  };
  const ok = { description: "A stream of JSON lines", content: { "application/x-ndjson": { schema } } };
  return { "200": ok, ...(failure === undefined ? {} : { default: failure }) };
}

/** Schemas of what the edge speaks; services that have paths elsewhere in the mesh are nobody's business here. */
function refineSchemas(schemas: Record<string, Schema>): Record<string, Schema> {
  const messages = new Map(PUBLIC_SERVICES.flatMap((service) => service.methods.flatMap(messagesOf)));
  return Object.fromEntries(
    Object.entries(schemas)
      .filter(([name]) => messages.has(name) || name.startsWith("google."))
      .map(([name, schema]) => [name, refineSchema(schema, messages.get(name))]),
  );
}

function refineSchema(schema: Schema, message: DescMessage | undefined): Schema {
  if (message === undefined || schema.properties === undefined)
    return { ...schema, ...described(schema.description) };
  const properties = Object.entries(schema.properties).map(([name, property]) => {
    const field = message.fields.find((each) => each.jsonName === name);
    const refined = field === undefined ? property : withRules(property, field);
    return [name, { ...refined, ...described(refined.description) }];
  });
  return { ...schema, ...described(schema.description), properties: Object.fromEntries(properties) };
}

/** A message and all that it holds, by name. */
export function messagesOf(method: { input: DescMessage; output: DescMessage }): [string, DescMessage][] {
  const found = new Map<string, DescMessage>();
  const waiting = [method.input, method.output];
  for (let message = waiting.pop(); message !== undefined; message = waiting.pop()) {
    if (found.has(message.typeName)) continue;
    found.set(message.typeName, message);
    for (const field of message.fields) if (field.message !== undefined) waiting.push(field.message);
  }
  return [...found];
}

function withRules(schema: Schema, field: DescField): Schema {
  const rules = rulesOf(field);
  if (field.fieldKind === "list") return schema;
  return { ...schema, ...rules, ...(isInt64(field) ? { format: "int64" } : {}) };
}

function isInt64(field: DescField): boolean {
  return field.fieldKind === "scalar" && field.scalar === ScalarType.INT64;
}

/** Pattern, format and bounds of a field by its validation rules. */
function rulesOf(field: DescField): Schema {
  if (!hasOption(field, fieldRules)) return {};
  const { type } = getOption(field, fieldRules);
  switch (type.case) {
    case "string": {
      const isUuid = type.value.wellKnown.case === "uuid" && type.value.wellKnown.value;
      return {
        ...(type.value.pattern === "" ? {} : { pattern: type.value.pattern }),
        ...(isUuid ? { format: "uuid" } : {}),
      };
    }
    case "int32":
      return type.value.greaterThan.case === "gte" ? { minimum: type.value.greaterThan.value } : {};
    default:
      return {};
  }
}

/** Comments of a contract as Markdown: the generator leaves their line breaks and indents. */
function described(text: string | undefined): { description?: string } {
  return text === undefined
    ? {}
    : {
        description: text
          .replaceAll(/\n +/g, "\n")
          .replaceAll(/([^\n])\n(?!\n)/g, "$1 ")
          .replaceAll(/\n+ ?/g, "\n\n")
          .trim(),
      };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
