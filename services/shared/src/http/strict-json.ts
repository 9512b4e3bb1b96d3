// A JSON reader (RFC 8259) that takes no liberties: what two readers could understand differently is
// refused. Request bodies are small (64 KiB), so plain code is fast enough.

import type { JsonValue } from "@bufbuild/protobuf";
import { DomainError } from "../errors/domain-error.js";

const DEPTH_MAX = 32;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const HEX = /[0-9a-fA-F]{4}/y;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
/** Keys that mean something to JavaScript objects; no message of ours has them. */
const POISONED: ReadonlySet<string> = new Set(["__proto__", "constructor"]);

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Value of a JSON text in UTF-8. Refuses with MALFORMED_REQUEST: bytes that are not UTF-8, a byte order
 * mark, UTF-16, duplicate keys, `__proto__` and `constructor` as keys, lone surrogates, more than 32
 * levels, anything after the value.
 */
export function readJson(bytes: Uint8Array): JsonValue {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw new DomainError("MALFORMED_REQUEST", { problem: "not UTF-8" }, { cause });
  }
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next value; recursion is bounded by DEPTH_MAX. */
  value(depth: number): JsonValue {
    if (depth > DEPTH_MAX) throw malformed("nested too deeply");
    this.#match(SPACE);
    const first = this.#text[this.#at];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    return this.#literal();
  }

  end(): void {
    this.#match(SPACE);
    if (this.#at !== this.#text.length) throw malformed("text after the value");
  }

  #object(depth: number): JsonValue {
    const entries = new Map<string, JsonValue>();
    this.#list("}", () => {
      if (this.#text[this.#at] !== '"') throw malformed("a key must be text");
      const key = this.#string();
      if (POISONED.has(key)) throw malformed("a key is not allowed");
      if (entries.has(key)) throw malformed("a key stands twice");
      this.#match(SPACE);
      this.#expect(":");
      entries.set(key, this.value(depth + 1));
    });
    return Object.fromEntries(entries);
  }

  #array(depth: number): JsonValue {
    const items: JsonValue[] = [];
    this.#list("]", () => items.push(this.value(depth + 1)));
    return items;
  }

  /** Reads items between the bracket under the cursor and `close`. */
  #list(close: string, item: () => void): void {
    this.#at += 1;
    this.#match(SPACE);
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#match(SPACE);
      item();
      this.#match(SPACE);
      if (this.#text[this.#at] === close) break;
      this.#expect(",");
    }
    this.#at += 1;
  }

  #string(): string {
    this.#at += 1;
    let value = "";
    for (;;) {
      value += this.#match(PLAIN);
      const next = this.#text[this.#at];
      this.#at += 1;
      if (next === '"') break;
      if (next !== "\\") throw malformed("a text is not closed or holds a control character");
      value += this.#escaped();
    }
    if (LONE_SURROGATE.test(value)) throw malformed("half a character");
    return value;
  }

  #escaped(): string {
    const letter = this.#text[this.#at] ?? "";
    this.#at += 1;
    if (letter === "u") {
      const hex = this.#match(HEX);
      if (hex === "") throw malformed("not an escape");
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const character = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (character === undefined) throw malformed("not an escape");
    return character;
  }

  #literal(): JsonValue {
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    const number = this.#match(NUMBER);
    if (number === "") throw malformed("not JSON");
    return Number(number);
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw malformed("not JSON");
    this.#at += 1;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [""];
    this.#at += found.length;
    return found;
  }
}

function malformed(problem: string): DomainError {
  return new DomainError("MALFORMED_REQUEST", { problem });
}
