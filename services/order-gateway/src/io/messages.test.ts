import { OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { ReservationSchema, ReservationState } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { orderReservationOfWire } from "./messages.js";

const terms = toBinary(OrderTermsSchema, create(OrderTermsSchema, { symbol: "BTC/USDT", orderId: "o" }));
const tombstone = { state: ReservationState.CLOSED, finalStatus: OrderStatus.REJECTED };

test.each<[string, MessageInitShape<typeof ReservationSchema>, number | undefined]>([
  ["an order of shard 2", { state: ReservationState.ACTIVE, shard: 2, terms }, 2],
  ["an order of shard 0 in a wallet of before", { state: ReservationState.ACTIVE, terms }, 0],
  ["a shard's tombstone", { ...tombstone, shard: 1 }, 1],
  ["a tombstone without shard", tombstone, 0],
  ["what a service holds", { state: ReservationState.ACTIVE, asset: "USDT", amount: "1" }, undefined],
  ["what a service held", { state: ReservationState.CLOSED, asset: "USDT", amount: "1" }, undefined],
])("%s", (_, wire, shard) => {
  expect(orderReservationOfWire(create(ReservationSchema, wire))?.shard).toBe(shard);
});

test("no reservation is none", () => {
  expect(orderReservationOfWire(undefined)).toBeUndefined();
});
