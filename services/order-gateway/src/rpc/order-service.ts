// OrderGatewayService on the wire: text in, domain values through, text out. Decides nothing.

import { DomainError, withFacts } from "@bourse/shared/errors/domain-error.js";
import { toStatus } from "@bourse/shared/errors/to-wire.js";
import {
  type OrderEntryRequest,
  OrderEntryRequestSchema,
  type OrderEntryResponseSchema,
  OrderGatewayService,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { type Market, MarketState } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { type Call, type Handlers, implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import { validateRequest } from "@bourse/shared/rpc/validate.js";
import { currentTraceparent } from "@bourse/shared/runtime/tracing.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PlaceRequest } from "../core/order-content.js";
import type { OrderView } from "../core/order-view.js";
import type { OrderName } from "../flow/cancel-order.js";
import type { Limiter } from "../flow/limit-rate.js";
import type { HistoryDeps, listOrderHistory, listTradeHistory } from "../flow/list-history.js";
import type { CallContext } from "../flow/mesh.js";
import type { EntryCommand, EntryResult } from "../flow/order-entry.js";
import type { OrderAnswer } from "../flow/place-order.js";
import { type Caller, callerOf } from "./caller.js";
import { ordersPageToWire, ordersQueryOf, tradesPageToWire, tradesQueryOf } from "./history-wire.js";
import { cancelledToWire, orderNameOf, orderToWire, placedToWire, placeRequestOf } from "./order-wire.js";
import { withOutcome } from "./outcome.js";

/** An answer on an OrderEntry stream. */
export type EntryAnswer = { readonly type: "placed" | "cancelled"; readonly answer: OrderAnswer };

/** What the handlers need from the service. All reject with DomainErrors. */
export interface OrderServiceDeps {
  readonly place: (request: PlaceRequest, context: CallContext) => Promise<OrderAnswer>;
  readonly cancel: (name: OrderName, context: CallContext) => Promise<OrderAnswer>;
  readonly read: (name: OrderName, context: CallContext) => Promise<OrderView>;
  readonly listOrders: (query: Parameters<HistoryDeps["orders"]>[0]) => ReturnType<typeof listOrderHistory>;
  readonly listTrades: (query: Parameters<HistoryDeps["trades"]>[0]) => ReturnType<typeof listTradeHistory>;
  readonly createMarket: (market: Market, deadlineMs: number) => Promise<Market>;
  readonly orderEntry: (
    commands: AsyncIterable<EntryCommand<EntryAnswer>>,
  ) => AsyncIterable<EntryResult<EntryAnswer>>;
  readonly limiter: Limiter;
  /** Wall-clock milliseconds at which a call is given up. */
  readonly deadlineOf: (call: Call) => number;
  readonly nowMs: () => number;
}

/** Binds the handlers to the service. */
export function orderService(deps: OrderServiceDeps): ServiceEntry {
  return implement(OrderGatewayService, handlersOf(deps));
}

function handlersOf(deps: OrderServiceDeps): Handlers<typeof OrderGatewayService> {
  const contextOf = (call: Call): CallContext => ({
    userId: callerOf(call).userId,
    deadlineMs: deps.deadlineOf(call),
    signal: call.signal,
    traceparent: currentTraceparent() || call.traceparent,
  });
  return {
    placeOrder: async (request, call) =>
      placedToWire(await deps.place(placeRequestOf(request), contextOf(call))),
    cancelOrder: async (request, call) =>
      cancelledToWire(await deps.cancel(orderNameOf(request), contextOf(call))),
    getOrder: async (request, call) => ({
      order: orderToWire(await deps.read(orderNameOf(request), contextOf(call))),
    }),
    async listOrders(request, call) {
      const { userId } = callerOf(call);
      return ordersPageToWire(request, userId, await deps.listOrders(ordersQueryOf(request, userId)));
    },
    async listTrades(request, call) {
      const { userId } = callerOf(call);
      return tradesPageToWire(request, userId, await deps.listTrades(tradesQueryOf(request, userId)));
    },
    async createMarket({ market }, call) {
      if (market === undefined) throw new DomainError("FIELD_REQUIRED", { field: "market" });
      if (market.state === MarketState.UNSPECIFIED) market.state = MarketState.TRADING;
      return { market: await withOutcome(() => deps.createMarket(market, deps.deadlineOf(call))) };
    },
    async *orderEntry(requests, call) {
      for await (const result of deps.orderEntry(commandsOf(deps, requests, call)))
        yield resultToWire(result);
    },
  };
}

async function* commandsOf(
  deps: OrderServiceDeps,
  requests: AsyncIterable<OrderEntryRequest>,
  call: Call,
): AsyncGenerator<EntryCommand<EntryAnswer>> {
  const caller = callerOf(call);
  for await (const request of requests) {
    if (caller.expiresAtMs <= deps.nowMs())
      throw new DomainError("TOKEN_EXPIRED", { outcome: "NOT_ATTEMPTED" });
    // The deadline of a command starts when it is read, not when the stream did.
    const deadlineMs = deps.deadlineOf({ ...call, deadlineMs: undefined });
    yield (turn) =>
      runCommand(deps, { request, caller, context: { ...turn, deadlineMs, traceparent: call.traceparent } });
  }
}

interface Command {
  readonly request: OrderEntryRequest;
  readonly caller: Caller;
  readonly context: Omit<CallContext, "userId">;
}

async function runCommand(
  deps: OrderServiceDeps,
  { request, caller, context }: Command,
): Promise<EntryAnswer> {
  const { command } = request;
  const userId = await admitted(deps, request, caller);
  const full = { ...context, userId };
  if (command.case === "place")
    return { type: "placed", answer: await deps.place(placeRequestOf(command.value), full) };
  if (command.case === "cancel")
    return { type: "cancelled", answer: await deps.cancel(orderNameOf(command.value), full) };
  throw new DomainError("FIELD_REQUIRED", { field: "command", outcome: "NOT_ATTEMPTED" });
}

/** The checks that a unary call has in its guards, in their order: permission, limit, schema. Returns for whom. */
async function admitted(deps: OrderServiceDeps, request: OrderEntryRequest, caller: Caller): Promise<string> {
  try {
    // Ids derive from the user's: one in capitals would stand for other orders of the same user.
    const userId = request.userId === "" ? caller.userId : request.userId.toLowerCase();
    const mayAct = userId === caller.userId ? caller.roles.has("trader") : caller.permissions.has("act_for");
    if (!mayAct) throw new DomainError("INSUFFICIENT_SCOPE", { field: "user_id" });
    await deps.limiter.checkUser(caller, request.command.case === "cancel" ? "cancel" : "request");
    validateRequest(OrderEntryRequestSchema, request);
    return userId;
  } catch (error) {
    throw error instanceof DomainError ? withFacts(asInUnary(error), { outcome: "NOT_ATTEMPTED" }) : error;
  }
}

/** The contract promises the details of the unary call, where a field has no "place." or "cancel." before it. */
function asInUnary(error: DomainError): DomainError {
  const { field } = error.facts;
  if (field === undefined) return error;
  return new DomainError(error.reason, { ...error.facts, field: field.replace(/^(place|cancel)\./, "") });
}

function resultToWire(result: EntryResult<EntryAnswer>): MessageInitShape<typeof OrderEntryResponseSchema> {
  const index = BigInt(result.index);
  if (result.type === "error") return { index, result: { case: "error", value: toStatus(result.error) } };
  const { type, answer } = result.answer;
  if (type === "placed") return { index, result: { case: "placed", value: placedToWire(answer) } };
  return { index, result: { case: "cancelled", value: cancelledToWire(answer) } };
}
