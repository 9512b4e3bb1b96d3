import { expect, test } from "vitest";
import {
  emptyLeavesOf,
  leavesOf,
  merged,
  nameOf,
  type Schema,
  togglesOf,
  valueAt,
  withValue,
} from "./toggles.js";

const schema: Schema = {
  properties: {
    tls: {
      properties: {
        enabled: { type: "boolean" },
        mode: { type: "string", enum: ["given", "issued", "off"] },
        names: { type: "object" },
      },
    },
    web: { $ref: "#/definitions/part" },
    hosts: { type: "array" },
  },
  definitions: {
    part: {
      allOf: [{ properties: { debug: { type: "boolean" } } }],
      properties: { note: { type: "string" } },
    },
  },
};
const defaults = { tls: { enabled: true, mode: "given", names: {} }, web: { note: "" }, hosts: ["a"] };
const leaves = leavesOf(schema, defaults);

test("finds every leaf of a schema, behind references and in parts too", () => {
  const names = ["tls.enabled", "tls.mode", "tls.names", "web.debug", "web.note", "hosts"];
  expect(leaves.map(({ path }) => nameOf(path))).toEqual(names);
});

test("takes a part as one value where it is told to", () => {
  const whole = leavesOf(schema, defaults, (path) => nameOf(path) === "tls");
  expect(whole.map(({ path }) => nameOf(path))).toEqual(["tls", "web.debug", "web.note", "hosts"]);
});

test("turns every switch to every other position; one without default both ways", () => {
  const toggles = togglesOf(leaves).map(({ path, value }) => `${nameOf(path)}=${value}`);
  const modes = ["tls.mode=issued", "tls.mode=off"];
  expect(toggles).toEqual(["tls.enabled=false", ...modes, "web.debug=true", "web.debug=false"]);
});

test("knows which values are empty by default", () => {
  expect(emptyLeavesOf(leaves).map(({ path }) => nameOf(path))).toEqual(["tls.names", "web.note"]);
});

test("sets a value deep inside and leaves the rest", () => {
  const values = withValue(defaults, ["tls", "enabled"], false);
  expect(valueAt(values, ["tls", "enabled"])).toBe(false);
  expect(valueAt(values, ["tls", "mode"])).toBe("given");
  expect(valueAt(values, ["nowhere", "deep"])).toBeUndefined();
  expect(valueAt(defaults, ["tls", "enabled"])).toBe(true);
});

test("merges as Helm does: maps key by key, lists whole, null removes", () => {
  expect(merged(defaults, { tls: { mode: "off", names: null }, hosts: ["b", "c"] })).toEqual({
    tls: { enabled: true, mode: "off" },
    web: { note: "" },
    hosts: ["b", "c"],
  });
});
