// One command on an OrderEntry stream of its own, answered like the unary call of the same name.

import { toStatus } from "@bourse/shared/errors/to-wire.js";
import {
  AmendOrderRequestSchema,
  AmendOrderResponseSchema,
  CancelOrderRequestSchema,
  CancelOrderResponseSchema,
  OrderEntryRequestSchema,
  type OrderEntryResponse,
  OrderGatewayService,
  PlaceOrderRequestSchema,
  PlaceOrderResponseSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { create, fromJson, toJson } from "@bufbuild/protobuf";
import { type Answer, type Ask, CODE_NAMES, factsOf, headersOf, type Surface } from "./answer.js";

const { amendOrder, cancelOrder, placeOrder } = OrderGatewayService.method;

/** The stream surface of an edge, for commands about one order, and what closes its connection. */
export function orderEntrySurface(address: string): Surface & { close(): void } {
  const channel = openChannel(address);
  const client = createClient(OrderGatewayService, channel);
  return {
    name: "OrderEntry",
    encoding: "binary",
    call: async (ask) => {
      const stream = client.orderEntry({
        headers: Object.fromEntries(headersOf(ask)),
        signal: AbortSignal.timeout(20_000),
      });
      stream.write(commandOf(ask));
      stream.end();
      try {
        for await (const response of stream) return answerOf(response);
        throw new Error("the stream ended without an answer");
      } catch (error) {
        // The stream as a whole was refused.
        return failed(toStatus(error));
      }
    },
    close: () => channel.close(),
  };
}

/** True for calls that a stream carries. */
export function isStreamed(ask: Pick<Ask, "method">): boolean {
  return ask.method === placeOrder || ask.method === cancelOrder || ask.method === amendOrder;
}

function commandOf({ method, request }: Ask) {
  return create(OrderEntryRequestSchema, { command: kindOf(method, request) });
}

function kindOf(method: Ask["method"], request: Ask["request"]) {
  if (method === placeOrder)
    return { case: "place", value: fromJson(PlaceOrderRequestSchema, request) } as const;
  if (method === amendOrder)
    return { case: "amend", value: fromJson(AmendOrderRequestSchema, request) } as const;
  return { case: "cancel", value: fromJson(CancelOrderRequestSchema, request) } as const;
}

const RESPONSES = {
  placed: PlaceOrderResponseSchema,
  cancelled: CancelOrderResponseSchema,
  amended: AmendOrderResponseSchema,
};

function answerOf({ result }: OrderEntryResponse): Answer {
  if (result.case === undefined) throw new Error("an answer without a result");
  if (result.case === "error") return failed(result.value);
  const options = { alwaysEmitImplicit: true };
  const json = toJson(RESPONSES[result.case], result.value, options);
  const body = json as Answer["body"];
  const none = { http: undefined, reason: undefined, field: undefined, facts: {}, headers: {} };
  return { code: "OK", ...none, body, text: JSON.stringify(body) };
}

function failed(status: ReturnType<typeof toStatus>): Answer {
  const known = factsOf(status);
  const text = `${status.message} ${JSON.stringify(known)}`;
  return {
    code: CODE_NAMES[status.code] ?? "UNKNOWN",
    http: undefined,
    ...known,
    body: {},
    headers: {},
    text,
  };
}
