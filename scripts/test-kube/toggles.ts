// Which values a chart can be asked to render differently, found in its schema and its defaults, so that
// a new switch is covered without anybody thinking of it.

/** Part of a JSON schema as values.schema.json uses it. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly enum?: readonly unknown[];
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** One value of the chart that is not an object: where it is, what it is by default, what it may be. */
export interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly schema: Schema;
}

/**
 * Every leaf that the schema names, with its default. Entries of lists are not looked into, nor is what
 * `isWhole` takes as one value.
 */
export function leavesOf(
  schema: Schema,
  defaults: unknown,
  isWhole: (path: readonly string[]) => boolean = () => false,
): Leaf[] {
  const walk = (given: Schema, value: unknown, path: readonly string[]): Leaf[] => {
    const here = resolve(schema, given);
    const inner = Object.entries(here.properties ?? {});
    if (inner.length === 0 || isWhole(path)) return [{ path, value, schema: here }];
    return inner.flatMap(([key, each]) => walk(each, valueAt(value, [key]), [...path, key]));
  };
  return walk(schema, defaults, []);
}

/** A switch turned away from its default: a boolean, or one of the values of a list of modes. */
export interface Toggle {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Every way to turn every switch. */
export function togglesOf(leaves: readonly Leaf[]): Toggle[] {
  return leaves.flatMap(({ path, value, schema }) => {
    const choices = schema.enum ?? (typesOf(schema).includes("boolean") ? [true, false] : []);
    return choices
      .filter((choice) => choice !== (value ?? "") && choice !== value)
      .map((choice) => ({ path, value: choice }));
  });
}

/** Leaves that are empty by default, so that what they would render is never seen: "", [], {} or nothing. */
export function emptyLeavesOf(leaves: readonly Leaf[]): Leaf[] {
  return leaves.filter(({ value, schema }) => {
    if (schema.enum !== undefined || typesOf(schema).includes("boolean")) return false;
    if (value === undefined || value === null || value === "") return true;
    return typeof value === "object" && Object.keys(value).length === 0;
  });
}

/** The name under which a value is set: keys joined by points. */
export function nameOf(path: readonly string[]): string {
  return path.join(".");
}

/** Values with one set at a path; the given ones stay as they are. */
export function withValue(values: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const object = isObject(values) ? values : {};
  return { ...object, [key]: withValue(object[key], rest, value) };
}

/** What lies at a path; undefined where nothing does. */
export function valueAt(values: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), values);
}

/** Objects merged key by key, as Helm merges values files; the later one wins, null removes a key. */
export function merged(below: unknown, above: unknown): unknown {
  if (!isObject(below) || !isObject(above)) return above;
  const keys = [...new Set([...Object.keys(below), ...Object.keys(above)])];
  return Object.fromEntries(
    keys
      .filter((key) => above[key] !== null)
      .map((key) => [key, key in above ? merged(below[key], above[key]) : below[key]]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typesOf({ type }: Schema): readonly string[] {
  return type === undefined ? [] : typeof type === "string" ? [type] : type;
}

/** A schema with its reference followed and what all its parts name brought together. */
function resolve(root: Schema, given: Schema): Schema {
  const target = given.$ref === undefined ? {} : resolve(root, refTarget(root, given.$ref));
  const parts = (given.allOf ?? []).map((part) => resolve(root, part));
  const properties = Object.assign({}, ...[target, ...parts, given].map((part) => part.properties ?? {}));
  return Object.assign({}, target, ...parts, given, { properties });
}

function refTarget(root: Schema, ref: string): Schema {
  const [, holder, name] = /^#\/(\$defs|definitions)\/(.+)$/.exec(ref) ?? [];
  const target = holder === "$defs" ? root.$defs?.[name ?? ""] : root.definitions?.[name ?? ""];
  if (target === undefined) throw new Error(`the schema has no ${ref}`);
  return target;
}
