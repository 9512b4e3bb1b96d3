import { expect, test } from "vitest";
import { loadOptions, tokensOf } from "./options.js";
import { subjectOf } from "./token-subject.js";

const env = { BOURSE_ADDRESS: "edge:50051", OPERATOR_TOKEN: "op", LOAD_TOKENS: "t1\n\nalice t2\n" };

test("without options it is an open loop of 200 orders a second until it is stopped", () => {
  expect(loadOptions([], env)).toEqual({
    address: "edge:50051",
    operatorToken: "op",
    tokens: ["t1", "t2"],
    pace: { type: "open", perSecond: 200 },
    seconds: undefined,
    symbols: [],
    recordsFile: undefined,
    seed: 1,
  });
});

test("a closed loop, a time, markets and a file", () => {
  const args = ["--in-flight", "64", "--seconds", "20", "--markets", "A/B,C/D", "--records", "/tmp/r"];
  expect(loadOptions(args, env)).toMatchObject({
    pace: { type: "closed", inFlight: 64 },
    seconds: 20,
    symbols: ["A/B", "C/D"],
    recordsFile: "/tmp/r",
  });
});

test.each<[readonly string[], Record<string, string>, RegExp]>([
  [["--rate", "0"], env, /--rate: 0 is not a whole number from 1/],
  [["--rate", "5", "--in-flight", "5"], env, /exclude each other/],
  [[], { ...env, LOAD_TOKENS: "" }, /LOAD_TOKENS is not set/],
  [["--fast"], env, /--fast/],
])("%j is refused in words", (args, given, message) => {
  expect(() => loadOptions(args, given)).toThrow(message);
});

test("tokens stand one a line, after an id or alone", () => {
  expect(tokensOf("  a\nid  b\r\n\n")).toEqual(["a", "b"]);
});

test("a token names its user; what is no token is refused without repeating it", () => {
  const body = Buffer.from(JSON.stringify({ sub: "u1" })).toString("base64url");
  expect(subjectOf(`h.${body}.s`)).toBe("u1");
  expect(() => subjectOf("secret")).toThrow(/^a token is no JWT with a subject$/);
});
