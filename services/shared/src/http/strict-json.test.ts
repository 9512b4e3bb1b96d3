import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DomainError } from "../errors/domain-error.js";
import { readJson } from "./strict-json.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const refusal = (input: Uint8Array): string => {
  try {
    readJson(input);
    return "read";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error.reason;
  }
};

describe("the strict JSON reader", () => {
  test("reads what JSON.stringify writes, to the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/"(__proto__|constructor)":/.test(text) && !/\\ud[89a-f]/i.test(text));
        expect(readJson(bytes(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("never reads what JSON.parse refuses", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[[\]{}",:0-9eE+.\-truefalsn \\]{0,20}$/), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (!isJson) expect(refusal(bytes(text))).toBe("MALFORMED_REQUEST");
      }),
    );
  });

  test.each([
    ["nothing", ""],
    ["a cut object", '{"a":'],
    ["two values", "{} {}"],
    ["a trailing comma", '{"a":1,}'],
    ["a comment", "{}//"],
    ["single quotes", "{'a':1}"],
    ["a bare word", "NaN"],
    ["a leading zero", "01"],
    ["a leading plus", "+1"],
    ["a duplicate key", '{"a":1,"a":1}'],
    ["a duplicate key, once escaped", '{"a":1,"\\u0061":2}'],
    ["a duplicate key further down", '{"x":[{"a":1,"a":1}]}'],
    ["__proto__", '{"__proto__":{"isAdmin":true}}'],
    ["__proto__, escaped", '{"\\u005f_proto__":1}'],
    ["constructor", '{"constructor":{}}'],
    ["a control character in text", '"a\u0001"'],
    ["half a surrogate pair", '"\\ud800"'],
    ["an unknown escape", '"\\x41"'],
    ["a short escape", '"\\u12"'],
    ["deep nesting", `${"[".repeat(10_000)}${"]".repeat(10_000)}`],
    ["33 levels below the first", `${"[".repeat(34)}${"]".repeat(34)}`],
    ["a byte order mark", "\ufeff{}"],
  ])("refuses %s", (_, text) => {
    expect(refusal(bytes(text))).toBe("MALFORMED_REQUEST");
  });

  test("refuses UTF-16 and bytes that are no UTF-8", () => {
    expect(refusal(new Uint8Array(Buffer.from('{"a":1}', "utf16le")))).toBe("MALFORMED_REQUEST");
    expect(refusal(new Uint8Array([0x22, 0xff, 0x22]))).toBe("MALFORMED_REQUEST");
    expect(refusal(new Uint8Array([0x22, 0xc0, 0xaf, 0x22]))).toBe("MALFORMED_REQUEST");
  });

  test("takes 33 levels", () => {
    expect(refusal(bytes(`${"[".repeat(33)}${"]".repeat(33)}`))).toBe("read");
  });
});
