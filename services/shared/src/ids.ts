// Ids that follow from what the client meant, so that every repeat of a call names the same thing.
import { createHash } from "node:crypto";

// The namespace is part of the API: other tools may derive the same ids. It never changes.
const NAMESPACE = Buffer.from("6f7d6c1e5c0a4d0f9a53b1f2c7e84d21", "hex");
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for a UUID in canonical lower-case text. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/**
 * Id of the order that a user means by a client order id: UUIDv5 (RFC 9562) over both, each with its
 * length before it, so that no two pairs share a text.
 */
export function orderIdOf(userId: string, clientOrderId: string): string {
  return uuidV5(`order:${lengthPrefixed(userId)}${lengthPrefixed(clientOrderId)}`);
}

/**
 * Key of the amend that a client means by a request id of an order, and of the reservation that it may need:
 * UUIDv5 over both, each with its length before it.
 */
export function legIdOf(orderId: string, requestId: string): string {
  return uuidV5(`leg:${lengthPrefixed(orderId)}${lengthPrefixed(requestId)}`);
}

/** Id of the trade at `index` among the trades of record `seq` of a shard. */
export function tradeIdOf(shard: number, seq: number, index: number): string {
  return uuidV5(`trade:${shard}:${seq}:${index}`);
}

/** Id of the ledger transaction of a deposit or withdrawal. */
export function transferIdOf(kind: string, requestId: string): string {
  return uuidV5(`transfer:${kind}:${lengthPrefixed(requestId)}`);
}

function lengthPrefixed(text: string): string {
  return `${Buffer.byteLength(text)}:${text}`;
}

function uuidV5(name: string): string {
  const bytes = createHash("sha1").update(NAMESPACE).update(name).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
