// The form of a row of the catalogue of bad input.

import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { OrderGatewayService } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import type { SurfaceName } from "../surfaces/answer.js";

export const methods = {
  ...OrderGatewayService.method,
  ...AccountService.method,
  ...MarketDataService.method,
} as const;

/** Who makes the call. */
export type Caller = "trader" | "operator" | "auditor" | "nobody";

/** One bad call: what is sent, and how it is refused everywhere. Refused means that nothing changed. */
export interface Row {
  /** Number in the catalogue. */
  readonly row: string;
  readonly what: string;
  readonly method: DescMethodUnary;
  readonly request: JsonObject;
  readonly caller?: Caller;
  /** Surfaces that can express it; all by default. "json": Connect JSON and REST. "binary": the others. */
  readonly on?: "json" | "binary" | readonly SurfaceName[];
  /** Body to send instead of the request, by encoding. */
  readonly raw?: Uint8Array;
  readonly headers?: readonly (readonly [string, string])[];
  readonly contentType?: string;
  /** Status name; several where surfaces may differ. */
  readonly code: string | readonly string[];
  readonly reason?: string;
  readonly field?: string;
  /** HTTP status where it does not follow from the code. */
  readonly http?: Partial<Record<SurfaceName, number | readonly number[]>>;
}

/** A LIMIT order that would be accepted, with some fields changed; undefined takes a field away. */
export function limit(changes: Readonly<Record<string, unknown>> = {}): JsonObject {
  const order = {
    symbol: "BAD/USDT",
    side: "SIDE_BUY",
    type: "ORDER_TYPE_LIMIT",
    price: "100",
    quantity: "0.001",
    ...changes,
  };
  return withoutUndefined(order);
}

/** A MARKET order for a quantity that would be accepted, with some fields changed. */
export function market(changes: Readonly<Record<string, unknown>> = {}): JsonObject {
  return limit({ type: "ORDER_TYPE_MARKET", price: undefined, ...changes });
}

/** A deposit that an operator might make, with some fields changed. */
export function deposit(changes: Readonly<Record<string, unknown>> = {}): JsonObject {
  const transfer = {
    userId: "6b0e8a51-93a4-4cf6-9d43-6d9f5e2a4a10",
    asset: "USDT",
    amount: "10",
    requestId: "bad-input",
  };
  return withoutUndefined({ ...transfer, ...changes });
}

/** A credit that an operator might make, with some fields changed. */
export function adjustment(changes: Readonly<Record<string, unknown>> = {}): JsonObject {
  return deposit({ direction: "ENTRY_DIRECTION_CREDIT", reason: "a gift", ...changes });
}

function withoutUndefined(fields: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject;
}
