// The committed document against the contracts, both ways, without the generator.
import { readFileSync } from "node:fs";
import { field as fieldRules } from "@bourse/shared/gen/buf/validate/validate_pb.js";
import {
  FieldBehavior,
  field_behavior as fieldBehavior,
} from "@bourse/shared/gen/google/api/field_behavior_pb.js";
import { type DescField, type DescMessage, getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Document, messagesOf, type Operation, refine, type Schema } from "./refine.js";
import { PUBLIC_SERVICES, publicRoutes, type Route } from "./routes.js";

const text = readFileSync(new URL("../../proto/openapi/openapi.yaml", import.meta.url), "utf8");
const document: Document = parse(text);
const routes = publicRoutes();
const nameOf = (route: Route) => `${route.verb} ${route.path}`;
const named: [string, Route][] = routes.map((route) => [nameOf(route), route]);

const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
  Object.entries(verbs).map(([verb, operation]): [string, Operation] => [`${verb} ${path}`, operation]),
);

function operationOf(route: Route): Operation {
  const operation = document.paths[route.path]?.[route.verb];
  if (operation === undefined) throw new Error(`${nameOf(route)} is not in the document`);
  return operation;
}

/** Messages that a route receives or sends as JSON, with all they hold. */
function jsonMessages(): Map<string, DescMessage> {
  const pairs = routes.flatMap(({ method, hasBody }) =>
    messagesOf({ input: hasBody ? method.input : method.output, output: method.output }),
  );
  return new Map(
    pairs.filter(([name]) => name !== "google.protobuf.Timestamp" && !name.startsWith("google.protobuf.")),
  );
}

function refOf(schema: Schema | undefined): string | undefined {
  return (schema?.$ref ?? schema?.allOf?.[0]?.$ref)?.replace("#/components/schemas/", "");
}

/** What JSON holds for a field, in the words of OpenAPI. */
function shapeOf(field: DescField): string {
  if (field.fieldKind === "list") return `array of ${scalarShape(field.listKind, field)}`;
  if (field.fieldKind === "map") return "object";
  return scalarShape(field.fieldKind, field);
}

function scalarShape(kind: string, field: DescField): string {
  if (kind === "enum") return "enum";
  if (kind === "message") {
    return field.message?.typeName === "google.protobuf.Timestamp"
      ? "date-time"
      : (field.message?.typeName ?? "");
  }
  const scalar = field.fieldKind === "scalar" || field.fieldKind === "list" ? field.scalar : undefined;
  if (scalar === ScalarType.STRING || scalar === ScalarType.INT64 || scalar === ScalarType.BYTES)
    return "string";
  return scalar === ScalarType.BOOL ? "boolean" : "integer";
}

function shapeOfSchema(schema: Schema | undefined): string {
  if (schema === undefined) return "absent";
  const ref = refOf(schema);
  if (ref !== undefined) return ref;
  if (schema.enum !== undefined || schema.format === "enum") return "enum";
  if (schema.type === "array") return `array of ${shapeOfSchema(schema.items)}`;
  if (schema.format === "date-time") return "date-time";
  return schema.type ?? "absent";
}

test("every route of the contracts is in the document and the other way round", () => {
  expect(routes.length).toBeGreaterThan(10);
  expect(operations.map(([name]) => name).sort()).toEqual(routes.map(nameOf).sort());
});

test("only what the edge serves is in it", () => {
  const tags = PUBLIC_SERVICES.map((service) => service.name);
  expect(new Set(operations.flatMap(([, operation]) => operation.tags))).toEqual(new Set(tags));
  expect(text).not.toMatch(/WalletService|MatcherService|ReserveRequest|SettleRequest/);
});

test("the refinements are in it: refined again it is the same", () => {
  expect(refine(document)).toEqual(document);
});

test("operation ids are unique", () => {
  const ids = operations.map(([, operation]) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test("everything that is referred to is there, and nothing else", () => {
  const there = Object.keys(document.components.schemas).sort();
  const referred = [...text.matchAll(/#\/components\/schemas\/([\w.]+)/g)].map((match) => match[1]);
  expect(there).toEqual([...new Set(referred)].sort());
});

test("a bearer token is asked for everywhere but at market data", () => {
  expect(document.security).toEqual([{ bearer: [] }]);
  for (const [, operation] of operations) {
    expect(operation.security).toEqual(operation.tags.includes("MarketDataService") ? [] : undefined);
  }
});

describe("each route", () => {
  test.each(named)("%s takes the fields of its request, no more and no less", (_name, route) => {
    const parameters = operationOf(route).parameters ?? [];
    const inPath = parameters.filter((each) => each.in === "path");
    expect(inPath.map((each) => each.name)).toEqual(
      route.variables.flatMap((variable) => variable.parameters),
    );
    expect(inPath.every((each) => each.required)).toBe(true);

    const body = operationOf(route).requestBody?.content["application/json"]?.schema;
    expect(refOf(body)).toBe(route.hasBody ? route.method.input.typeName : undefined);
    const taken = route.variables.map((variable) => variable.field);
    const rest = route.method.input.fields.filter(
      (field) =>
        !taken.includes(field) &&
        taken.every((each) => each.oneof === undefined || each.oneof !== field.oneof),
    );
    const inQuery = parameters
      .filter((each) => each.in === "query")
      .map((each) => `${each.name} ${shapeOfSchema(each.schema)}`);
    expect(inQuery.sort()).toEqual(
      route.hasBody ? [] : rest.map((field) => `${field.jsonName} ${shapeOf(field)}`).sort(),
    );
  });

  test.each(named)("%s answers with its response, or with a Status", (_name, route) => {
    const { responses } = operationOf(route);
    const isStream = route.method.methodKind === "server_streaming";
    const schema =
      responses["200"]?.content?.[isStream ? "application/x-ndjson" : "application/json"]?.schema;
    expect(refOf(isStream ? schema?.properties?.result : schema)).toBe(route.method.output.typeName);
    expect(refOf(responses.default?.content?.["application/json"]?.schema)).toBe("google.rpc.Status");
  });
});

describe("each message", () => {
  test.each([...jsonMessages()])(
    "%s has exactly its fields, with their types, rules and comments",
    (name, message) => {
      const schema = document.components.schemas[name];
      const properties = schema?.properties ?? {};
      const shapes = Object.entries(properties).map(([key, property]) => `${key} ${shapeOfSchema(property)}`);
      expect(shapes.sort()).toEqual(
        message.fields.map((field) => `${field.jsonName} ${shapeOf(field)}`).sort(),
      );

      const required = message.fields.filter((field) =>
        getOption(field, fieldBehavior).includes(FieldBehavior.REQUIRED),
      );
      expect(schema?.required ?? []).toEqual(required.map((field) => field.jsonName));
      if (name.startsWith("google.")) return;
      for (const field of message.fields) {
        const property = properties[field.jsonName];
        expect(property?.description ?? "", `${name}.${field.name}`).not.toBe("");
        expect(property?.pattern, `${name}.${field.name}`).toBe(patternOf(field));
      }
    },
  );
});

function patternOf(field: DescField): string | undefined {
  if (!hasOption(field, fieldRules)) return undefined;
  const { type } = getOption(field, fieldRules);
  return type.case === "string" && type.value.pattern !== "" ? type.value.pattern : undefined;
}
