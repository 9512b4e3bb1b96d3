// Makes JSON schemas for kubeconform, one file per kind, from what Kubernetes publishes in its Go
// modules: the OpenAPI document of the API server, or the definitions of custom resources. They are
// strict: a field that the kind does not have is refused, as the API server would warn.
//
//   node scripts/lib/kube-schemas.mjs openapi <swagger.json> <folder to write>
//   node scripts/lib/kube-schemas.mjs crds <folder of definitions> <folder to write>
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

const DRAFT = "http://json-schema.org/draft-07/schema#";
const INT_OR_STRING = { oneOf: [{ type: "string" }, { type: "integer" }] };

// Types whose JSON is not what their Go structure says.
const SPECIAL = {
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": INT_OR_STRING,
  "io.k8s.apimachinery.pkg.api.resource.Quantity": { oneOf: [{ type: "string" }, { type: "number" }] },
};

const [source, from, into] = process.argv.slice(2);
mkdirSync(into, { recursive: true });
if (source === "openapi") writeOpenapi(JSON.parse(readFileSync(from, "utf8")).definitions);
else for (const name of readdirSync(from)) if (/\.ya?ml$/.test(name)) writeDefinitions(join(from, name));

function writeOpenapi(definitions) {
  const table = Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [name, SPECIAL[name] ?? strict(schema)]),
  );
  for (const [name, schema] of Object.entries(definitions)) {
    for (const kind of schema["x-kubernetes-group-version-kind"] ?? []) {
      write(kind, { ...table[name], definitions: neededBy(name, table) });
    }
  }
}

function writeDefinitions(file) {
  for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
    const definition = document.toJS();
    if (definition?.kind !== "CustomResourceDefinition") continue;
    const { group, names, versions } = definition.spec;
    for (const { name, schema } of versions) {
      write({ group, version: name, kind: names.kind }, strict(schema.openAPIV3Schema));
    }
  }
}

/** The schema of one kind, under the name that kubeconform looks for: kind-group-version. */
function write({ group, version, kind }, schema) {
  const properties = {
    ...schema.properties,
    apiVersion: { const: group ? `${group}/${version}` : version },
    kind: { const: kind },
    // The definition of a custom resource leaves metadata open.
    metadata: schema.properties?.metadata ?? { type: "object" },
  };
  const name = [kind, ...(group ? [group.split(".")[0]] : []), version].join("-").toLowerCase();
  writeFileSync(join(into, `${name}.json`), JSON.stringify({ $schema: DRAFT, ...schema, properties }));
}

/** A schema without what JSON schema does not know, closed against fields that it does not name. */
function strict(node) {
  if (Array.isArray(node)) return node.map(strict);
  if (node === null || typeof node !== "object") return node;
  if (node["x-kubernetes-int-or-string"] === true) return INT_OR_STRING;
  const schema = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === "description" || key === "nullable" || key.startsWith("x-kubernetes-")) continue;
    schema[key] = key === "properties" ? eachOf(value) : strict(value);
  }
  const isOpen = node["x-kubernetes-preserve-unknown-fields"] === true || schema.additionalProperties;
  // Inside allOf, anyOf and not, properties say what must hold of some fields, not which fields there are.
  if (schema.properties !== undefined && schema.type === "object" && !isOpen)
    schema.additionalProperties = false;
  return node.nullable === true ? { anyOf: [{ type: "null" }, schema] } : schema;
}

function eachOf(properties) {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, strict(schema)]));
}

/** The definitions that a kind refers to, itself included where it is recursive. */
function neededBy(name, table) {
  const needed = {};
  const wanted = [name];
  while (wanted.length > 0) {
    const next = wanted.pop();
    if (needed[next] !== undefined) continue;
    needed[next] = table[next];
    const refs = JSON.stringify(table[next]).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g);
    for (const [, target] of refs) wanted.push(target);
  }
  return needed;
}
