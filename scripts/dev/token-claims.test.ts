import { expect, test } from "vitest";
import { parseClaims } from "./token-claims.js";
import { botGrants, demoGrants, namedUsers } from "./users.js";

const uuid = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";

test("a named user has its own role and tier, unless others are asked for", () => {
  expect(parseClaims(["--user", "alice"])).toEqual({ ...namedUsers.alice, permissions: [] });
  expect(parseClaims(["--user", "operator"]).roles).toEqual(["operator"]);
  const asked = parseClaims([
    "--user",
    "bob",
    "--role",
    "trader",
    "--role",
    "auditor",
    "--tier",
    "basic",
    "--ttl",
    "60",
  ]);
  expect(asked).toMatchObject({ roles: ["trader", "auditor"], tier: "basic", ttlSeconds: 60 });
});

test("any UUID is a trader of the lowest tier", () => {
  const claims = parseClaims(["--user", uuid, "--permission", "act_for"]);
  expect(claims).toEqual({ userId: uuid, roles: ["trader"], permissions: ["act_for"] });
});

test.each([
  [[], "--user <alice|bob|operator|UUID>"],
  [["--user", "carol"], "carol is neither a UUID nor one of alice, bob, operator"],
  [["--user", "bob", "--role", "king"], "--role: king is not one of trader, operator, auditor"],
  [["--user", "bob", "--tier", "gold"], "--tier: gold is not one of basic, plus, pro, unlimited"],
  [["--user", "bob", "--ttl", "soon"], "--ttl: soon is not a number of seconds"],
  [["--usr", "bob"], "Unknown option '--usr'"],
])("%j is refused in words", (args, message) => {
  expect(() => parseClaims(args)).toThrow(message);
});

test("every deposit of the demo has a key of its own, so that it happens once", () => {
  const ids = [...demoGrants(), ...botGrants()].map(({ requestId }) => requestId);
  expect(ids).toHaveLength(24);
  expect(new Set(ids).size).toBe(ids.length);
});
