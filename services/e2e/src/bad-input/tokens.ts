// Access tokens that must not be accepted, made byte by byte.
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { keyFiles } from "@bourse/local/keys.js";

type Json = Readonly<Record<string, unknown>>;
type Signer = (text: string) => string;
/** Row of the catalogue, what is wrong, the token, and its reason if it is not INVALID_TOKEN. */
type Entry = readonly [row: string, what: string, token: string, reason?: string];

/** Good and bad tokens of one user. */
export interface TokenKit {
  readonly good: string;
  readonly bad: readonly {
    readonly row: string;
    readonly what: string;
    readonly token: string;
    readonly reason: string;
  }[];
}

/** Makes good and bad tokens of a user with the keys of a home. */
export function tokenKit(home: string, userId: string): TokenKit {
  const forge = new Forge(home, userId);
  const entries = [
    ...algorithmEntries(forge),
    ...keyEntries(forge),
    ...claimEntries(forge),
    ...shapeEntries(forge),
  ];
  const bad = entries.map(([row, what, token, reason = "INVALID_TOKEN"]) => ({ row, what, token, reason }));
  return { good: forge.good, bad };
}

/** Makes tokens of any header, claims and signature. */
class Forge {
  readonly key: KeyObject;
  readonly other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  readonly now = Math.floor(Date.now() / 1000);
  readonly #header: Json;
  readonly #claims: Json;

  constructor(home: string, userId: string) {
    const files = keyFiles(home);
    this.key = createPrivateKey(readFileSync(files.privateKey));
    const { keys } = JSON.parse(readFileSync(files.jwks, "utf8")) as { keys: { kid: string }[] };
    this.#header = { alg: "RS256", typ: "at+jwt", kid: keys[0]?.kid };
    const { now } = this;
    const rights = { roles: ["trader"], permissions: [], tier: "unlimited" };
    this.#claims = {
      iss: "bourse",
      aud: "bourse",
      sub: userId,
      ...rights,
      iat: now,
      exp: now + 600,
      jti: "t",
    };
  }

  get good(): string {
    return this.claims({});
  }

  /** Our key over other claims; undefined takes one away. */
  claims(changes: Json, header: Json = {}): string {
    return this.token(header, changes, this.ours);
  }

  /** Another header over good claims, signed as is said. */
  header(changes: Json, signer: Signer): string {
    return this.token(changes, {}, signer);
  }

  token(header: Json, claims: Json, signer: Signer): string {
    const text = `${encode({ ...this.#header, ...header })}.${encode({ ...this.#claims, ...claims })}`;
    return `${text}.${signer(text)}`;
  }

  readonly ours: Signer = (text) => createSign("sha256").update(text).sign(this.key, "base64url");
  readonly theirs: Signer = (text) =>
    createSign("sha256").update(text).sign(this.other.privateKey, "base64url");
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const unsigned: Signer = () => "";

function algorithmEntries(forge: Forge): Entry[] {
  const publicPem = createPublicKey(forge.key).export({ type: "spki", format: "pem" }).toString();
  const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const hmac: Signer = (text) => createHmac("sha256", publicPem).update(text).digest("base64url");
  const zeros: Signer = () => Buffer.alloc(64).toString("base64url");
  const ecdsa: Signer = (text) =>
    sign("sha256", Buffer.from(text), { key: elliptic, dsaEncoding: "ieee-p1363" }).toString("base64url");
  // RSA_PKCS1_PSS_PADDING is 6.
  const pss: Signer = (text) =>
    sign("sha256", Buffer.from(text), { key: forge.key, padding: 6, saltLength: 32 }).toString("base64url");
  return [
    ["74", "alg none", forge.header({ alg: "none" }, unsigned)],
    ["74", "alg None", forge.header({ alg: "None" }, unsigned)],
    ["74", "alg nOnE", forge.header({ alg: "nOnE" }, unsigned)],
    ["74", "an empty signature", forge.header({}, unsigned)],
    ["75", "HS256 with the public key", forge.header({ alg: "HS256" }, hmac)],
    ["83", "ES256 with zero r and s", forge.header({ alg: "ES256" }, zeros)],
    ["83", "ES256 of somebody's key", forge.header({ alg: "ES256" }, ecdsa)],
    ["83", "PS256 with our key", forge.header({ alg: "PS256" }, pss)],
    ["83", "an unknown critical header", forge.header({ crit: ["x"], x: 1 }, forge.ours)],
  ];
}

function keyEntries(forge: Forge): Entry[] {
  const attacker = "http://127.0.0.1:9/keys.json";
  const jwk = forge.other.publicKey.export({ format: "jwk" });
  return [
    ["76", "the key of somebody else", forge.header({}, forge.theirs)],
    ["76", "an unknown key id", forge.header({ kid: "other" }, forge.theirs)],
    ["76", "a key in the token", forge.header({ jwk }, forge.theirs)],
    ["76", "a key at an address (jku)", forge.header({ jku: attacker, kid: "other" }, forge.theirs)],
    ["76", "a key at an address (x5u)", forge.header({ x5u: attacker, kid: "other" }, forge.theirs)],
    ["77", "a key id that is a path", forge.header({ kid: "../../etc/passwd" }, forge.ours)],
    ["77", "a key id with SQL", forge.header({ kid: "' OR 1=1;--" }, forge.ours)],
    ["77", "a key id of 6 KB", forge.header({ kid: "k".repeat(6_000) }, forge.ours)],
    ["77", "no key id", forge.header({ kid: undefined }, forge.ours)],
  ];
}

function claimEntries(forge: Forge): Entry[] {
  const { now } = forge;
  const past = { exp: now - 3_600, iat: now - 7_200 };
  return [
    ["78", "expired long ago", forge.claims(past), "TOKEN_EXPIRED"],
    ["78", "expired and of somebody else's key", forge.token({}, past, forge.theirs)],
    ["78", "not valid yet", forge.claims({ nbf: now + 3_600 })],
    ["78", "issued in the far future", forge.claims({ iat: now + 360_000, exp: now + 720_000 })],
    ["78", "no expiry", forge.claims({ exp: undefined })],
    ["78", "an expiry as text", forge.claims({ exp: `${now + 600}` })],
    ["79", "another issuer", forge.claims({ iss: "elsewhere" })],
    ["79", "another audience", forge.claims({ aud: "elsewhere" })],
    ["79", "audiences without us", forge.claims({ aud: ["a", "b"] })],
    ["79", "no audience", forge.claims({ aud: undefined })],
    ["79", "no subject", forge.claims({ sub: undefined })],
    ["79", "a subject that is a number", forge.claims({ sub: 42 })],
    ["79", "a subject that is no user id", forge.claims({ sub: "admin" })],
    ["80", "an ID token", forge.claims({}, { typ: "JWT" })],
    ["80", "a refresh token", forge.claims({}, { typ: "rt+jwt" })],
    ["80", "no type", forge.claims({}, { typ: undefined })],
  ];
}

function shapeEntries({ good }: Forge): Entry[] {
  const [head = "", claims = "", signature = ""] = good.split(".");
  const flipped = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
  return [
    ["81", "a flipped bit", `${head}.${claims}.${flipped}`],
    ["81", "cut", good.slice(0, -10)],
    ["81", "one part more", `${good}.${signature}`],
    ["81", "one part less", `${head}.${claims}`],
    ["81", "padding", `${good}==`],
    ["81", "no token at all", "abc"],
  ];
}
