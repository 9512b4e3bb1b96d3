// Messages of OrderGatewayService to domain values and back.

import type {
  AmendOrderRequest,
  CancelAllOrdersRequest,
  CancelOrderRequest,
  GetOrderRequest,
  OrderSchema,
  PlaceOrderRequest,
  PlaceOrderResponseSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import {
  EndReason,
  OrderStatus,
  OrderType,
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { AmendRequest } from "../core/amend.js";
import type { PlaceRequest } from "../core/order-content.js";
import type * as Order from "../core/order-types.js";
import type { OrderView } from "../core/order-view.js";
import type { CancelAllRequest } from "../flow/cancel-all.js";
import type { CancelName, OrderName } from "../flow/cancel-order.js";
import type { OrderAnswer } from "../flow/place-order.js";

/** A validated request in the gateway's words: enum values are known and given. */
export function placeRequestOf(wire: PlaceOrderRequest): PlaceRequest {
  const { clientOrderId, symbol, price, quantity, quoteBudget, stopPrice, postOnly } = wire;
  const timeInForce =
    wire.timeInForce === TimeInForce.UNSPECIFIED ? undefined : TimeInForce[wire.timeInForce];
  const selfTradePrevention =
    wire.selfTradePrevention === SelfTradePrevention.UNSPECIFIED
      ? undefined
      : SelfTradePrevention[wire.selfTradePrevention];
  return {
    clientOrderId,
    symbol,
    side: Side[wire.side] as Order.Side,
    type: OrderType[wire.type] as Order.OrderType,
    timeInForce: timeInForce as Order.TimeInForce | undefined,
    price,
    quantity,
    quoteBudget,
    stopPrice,
    postOnly,
    selfTradePrevention: selfTradePrevention as Order.SelfTradePrevention | undefined,
  };
}

export function amendRequestOf({ requestId, price, quantity }: AmendOrderRequest): AmendRequest {
  return { requestId, price, quantity };
}

export function cancelAllRequestOf({
  symbol,
  side,
  requestId,
  userId,
}: CancelAllOrdersRequest): CancelAllRequest {
  return { symbol, requestId, userId, side: side === Side.UNSPECIFIED ? "" : (Side[side] as Order.Side) };
}

/** The order that a request names. A UUID in capitals is the same id. */
export function orderNameOf({
  id,
  symbol,
}: CancelOrderRequest | AmendOrderRequest | GetOrderRequest): OrderName {
  return id.case === "clientOrderId"
    ? { clientOrderId: id.value, symbol }
    : { orderId: (id.value ?? "").toLowerCase(), symbol };
}

/** The order that a cancel names, and whose it is. */
export function cancelNameOf(request: CancelOrderRequest): CancelName {
  return { ...orderNameOf(request), userId: request.userId };
}

/** The answer to a placement, a cancel or an amend: they have one shape. */
export function answerToWire(
  answer: OrderAnswer,
): Omit<MessageInitShape<typeof PlaceOrderResponseSchema>, "$typeName"> {
  return { order: orderToWire(answer.order), replayed: answer.replayed, sequence: BigInt(answer.seq) };
}

/** An order as its owner sees it. */
export function orderToWire(view: OrderView): MessageInitShape<typeof OrderSchema> {
  const { createdMs, updatedMs, acceptedSeq, ...order } = view;
  return {
    ...order,
    side: numberOf(Side, view.side),
    type: numberOf(OrderType, view.type),
    timeInForce: numberOf(TimeInForce, view.timeInForce),
    status: OrderStatus[view.status],
    reason: numberOf(EndReason, view.reason),
    selfTradePrevention: numberOf(SelfTradePrevention, view.selfTradePrevention),
    acceptedSequence: BigInt(acceptedSeq),
    ...(createdMs === undefined ? {} : { createdTime: timestampFromMs(createdMs) }),
    ...(updatedMs === undefined ? {} : { updatedTime: timestampFromMs(updatedMs) }),
  };
}

/** Enum value of a wire name; 0, which is UNSPECIFIED everywhere, for "". */
function numberOf(names: Readonly<Record<string, string | number>>, name: string): number {
  const value = names[name];
  return typeof value === "number" ? value : 0;
}
