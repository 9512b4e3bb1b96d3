import { createHash, randomUUID } from "node:crypto";

/** SHA-256 of an order's canonical content: 32 bytes that decide whether a placement is a repeat. */
export function fingerprintOf(canonicalText: string): Uint8Array {
  return createHash("sha256").update(canonicalText).digest();
}

/** A client order id or request id for a client that named none. */
export function mintId(): string {
  return randomUUID();
}
