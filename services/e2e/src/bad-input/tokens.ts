// Access tokens that must not be accepted, made byte by byte.
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  sign,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { keyFiles } from "@bourse/local/keys.js";

type Json = Readonly<Record<string, unknown>>;

/** What the tokens of one home are made of. */
export interface TokenKit {
  readonly good: string;
  /** A token with the right signature over this header and these claims; `undefined` takes one away. */
  signed(header: Json, claims: Json): string;
  readonly bad: readonly {
    readonly row: string;
    readonly what: string;
    readonly token: string;
    readonly reason: string;
  }[];
}

const encode = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** Makes good and bad tokens of a user with the keys of a home. */
export function tokenKit(home: string, userId: string): TokenKit {
  const files = keyFiles(home);
  const key = createPrivateKey(readFileSync(files.privateKey));
  const { keys } = JSON.parse(readFileSync(files.jwks, "utf8")) as { keys: { kid: string }[] };
  const kid = keys[0]?.kid ?? "";
  const now = Math.floor(Date.now() / 1000);
  const goodHeader = { alg: "RS256", typ: "at+jwt", kid };
  const goodClaims = {
    iss: "bourse",
    aud: "bourse",
    sub: userId,
    roles: ["trader"],
    permissions: [],
    tier: "unlimited",
    iat: now,
    exp: now + 600,
    jti: "t",
  };
  const rs256 = (text: string, by = key) => createSign("sha256").update(text).sign(by).toString("base64url");
  const token = (header: unknown, claims: unknown, by?: (text: string) => string) => {
    const text = `${encode(header)}.${encode(claims)}`;
    return `${text}.${(by ?? rs256)(text)}`;
  };
  const signed = (header: Json, claims: Json) =>
    token({ ...goodHeader, ...header }, { ...goodClaims, ...claims });
  const good = signed({}, {});
  const [head = "", claims = "", signature = ""] = good.split(".");

  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicPem = createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
  const hmac = (text: string) => createHmac("sha256", publicPem).update(text).digest("base64url");
  const pss = (text: string) =>
    sign("sha256", Buffer.from(text), { key, padding: 6, saltLength: 32 }).toString("base64url");
  const by = (alg: string, how: (text: string) => string, header: Json = {}) =>
    token({ ...goodHeader, alg, ...header }, goodClaims, how);
  const byOther = (text: string) => rs256(text, other.privateKey);
  const flipped = `${head}.${claims}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
  const attacker = "http://127.0.0.1:9/keys.json";

  const list: readonly (readonly [row: string, what: string, token: string, reason?: string])[] = [
    ["74", "alg none", by("none", () => "")],
    ["74", "alg None", by("None", () => "")],
    ["74", "alg nOnE", by("nOnE", () => "")],
    ["74", "an empty signature", `${head}.${claims}.`],
    ["75", "HS256 with the public key", by("HS256", hmac)],
    ["76", "the key of somebody else", by("RS256", byOther)],
    ["76", "an unknown key id", by("RS256", byOther, { kid: "other" })],
    ["76", "a key in the token", by("RS256", byOther, { jwk: other.publicKey.export({ format: "jwk" }) })],
    ["76", "a key at an address (jku)", by("RS256", byOther, { jku: attacker, kid: "other" })],
    ["76", "a key at an address (x5u)", by("RS256", byOther, { x5u: attacker, kid: "other" })],
    ["77", "a key id that is a path", by("RS256", rs256, { kid: "../../etc/passwd" })],
    ["77", "a key id with SQL", by("RS256", rs256, { kid: "' OR 1=1;--" })],
    ["77", "a key id of 6 KB", by("RS256", rs256, { kid: "k".repeat(6_000) })],
    ["77", "no key id", by("RS256", rs256, { kid: undefined })],
    ["78", "expired long ago", signed({}, { exp: now - 3_600, iat: now - 7_200 }), "TOKEN_EXPIRED"],
    [
      "78",
      "expired and of somebody else's key",
      token(goodHeader, { ...goodClaims, exp: now - 3_600 }, byOther),
    ],
    ["78", "not valid yet", signed({}, { nbf: now + 3_600 })],
    ["78", "issued in the far future", signed({}, { iat: now + 360_000, exp: now + 720_000 })],
    ["78", "no expiry", signed({}, { exp: undefined })],
    ["78", "an expiry as text", signed({}, { exp: `${now + 600}` })],
    ["79", "another issuer", signed({}, { iss: "elsewhere" })],
    ["79", "another audience", signed({}, { aud: "elsewhere" })],
    ["79", "audiences without us", signed({}, { aud: ["a", "b"] })],
    ["79", "no audience", signed({}, { aud: undefined })],
    ["79", "no subject", signed({}, { sub: undefined })],
    ["79", "a subject that is a number", signed({}, { sub: 42 })],
    ["79", "a subject that is no user id", signed({}, { sub: "admin" })],
    ["80", "an ID token", signed({ typ: "JWT" }, {})],
    ["80", "a refresh token", signed({ typ: "rt+jwt" }, {})],
    ["80", "no type", signed({ typ: undefined }, {})],
    ["81", "a flipped bit", flipped],
    ["81", "cut", good.slice(0, -10)],
    ["81", "one part more", `${good}.${signature}`],
    ["81", "one part less", `${head}.${claims}`],
    ["81", "padding", `${good}==`],
    ["81", "no token at all", "abc"],
    ["83", "ES256 with zero r and s", by("ES256", () => Buffer.alloc(64).toString("base64url"))],
    [
      "83",
      "ES256 of somebody's key",
      by("ES256", (text) =>
        sign("sha256", Buffer.from(text), { key: elliptic.privateKey, dsaEncoding: "ieee-p1363" }).toString(
          "base64url",
        ),
      ),
    ],
    ["83", "PS256 with our key", by("PS256", pss)],
    ["83", "an unknown critical header", by("RS256", rs256, { crit: ["x"], x: 1 })],
  ];
  const bad = list.map(([row, what, text, reason = "INVALID_TOKEN"]) => ({ row, what, token: text, reason }));
  return { good, signed, bad };
}
