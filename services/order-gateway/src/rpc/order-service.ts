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
import { withOutcome } from "@bourse/shared/rpc/outcome.js";
import { validateRequest } from "@bourse/shared/rpc/validate.js";
import { currentTraceparent } from "@bourse/shared/runtime/tracing.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { MarketState as MarketStateName } from "../core/order-types.js";
import type { OrderView } from "../core/order-view.js";
import type { CancelAllAnswer, CancelAllRequest, SwitchRequest } from "../flow/cancel-all.js";
import type { OrderName } from "../flow/cancel-order.js";
import type { Limiter } from "../flow/limit-rate.js";
import type { HistoryDeps, listOrderHistory, listTradeHistory } from "../flow/list-history.js";
import type { CallContext } from "../flow/mesh.js";
import type { EntryCommand, EntryResult } from "../flow/order-entry.js";
import { runBatch } from "./batch.js";
import { type Caller, callerOf } from "./caller.js";
import { type CommandAnswer, type CommandDeps, commandToWire, runCommand } from "./commands.js";
import { ordersPageToWire, ordersQueryOf, tradesPageToWire, tradesQueryOf } from "./history-wire.js";
import {
  amendRequestOf,
  answerToWire,
  cancelAllRequestOf,
  cancelNameOf,
  orderNameOf,
  orderToWire,
  placeRequestOf,
} from "./order-wire.js";

/** What a market accepts from now on, and which operator says so why. */
export interface StateChange {
  readonly symbol: string;
  readonly state: MarketStateName;
  readonly operatorId: string;
  readonly reason: string;
}

/** What the handlers need from the service. All reject with DomainErrors. */
export interface OrderServiceDeps extends CommandDeps {
  readonly cancelAll: (request: CancelAllRequest, context: CallContext) => Promise<CancelAllAnswer>;
  /** When the switch fires, milliseconds since 1970 UTC; undefined when it is disabled. */
  readonly cancelAllAfter: (request: SwitchRequest, context: CallContext) => Promise<number | undefined>;
  readonly read: (name: OrderName, context: CallContext) => Promise<OrderView>;
  readonly listOrders: (query: Parameters<HistoryDeps["orders"]>[0]) => ReturnType<typeof listOrderHistory>;
  readonly listTrades: (query: Parameters<HistoryDeps["trades"]>[0]) => ReturnType<typeof listTradeHistory>;
  readonly createMarket: (market: Market, deadlineMs: number) => Promise<Market>;
  readonly setMarketState: (change: StateChange, context: CallContext) => Promise<Market>;
  readonly orderEntry: (
    commands: AsyncIterable<EntryCommand<CommandAnswer>>,
  ) => AsyncIterable<EntryResult<CommandAnswer>>;
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
    tier: callerOf(call).tier,
    operatorId: operatorIdOf(callerOf(call)),
    deadlineMs: deps.deadlineOf(call),
    signal: call.signal,
    traceparent: currentTraceparent() || call.traceparent,
  });
  return {
    placeOrder: async (request, call) =>
      answerToWire(await deps.place(placeRequestOf(request), contextOf(call))),
    cancelOrder: async (request, call) =>
      answerToWire(await deps.cancel(cancelNameOf(request), contextOf(call))),
    amendOrder: async (request, call) =>
      answerToWire(await deps.amend(orderNameOf(request), amendRequestOf(request), contextOf(call))),
    cancelAllOrders: (request, call) => deps.cancelAll(cancelAllRequestOf(request), contextOf(call)),
    batchOrders: async ({ items }, call) => ({ results: await runBatch(deps, items, contextOf(call)) }),
    async cancelAllAfter({ symbols, timeoutMs }, call) {
      // Guarded by the contract too; Number(undefined) must never disarm a switch.
      if (timeoutMs === undefined) throw new DomainError("FIELD_REQUIRED", { field: "timeout_ms" });
      const dueMs = await deps.cancelAllAfter({ symbols, timeoutMs: Number(timeoutMs) }, contextOf(call));
      return dueMs === undefined ? {} : { dueTime: timestampFromMs(dueMs) };
    },
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
    async setMarketState({ symbol, state, reason }, call) {
      const change = { symbol, state: MarketState[state] as MarketStateName, reason };
      const { userId: operatorId } = callerOf(call);
      const market = () => deps.setMarketState({ ...change, operatorId }, contextOf(call));
      return { market: await withOutcome(market) };
    },
    async *orderEntry(requests, call) {
      for await (const result of deps.orderEntry(commandsOf(deps, requests, call)))
        yield resultToWire(result);
    },
  };
}

const operatorIdOf = ({ roles, userId }: Caller) => (roles.has("operator") ? userId : undefined);

async function* commandsOf(
  deps: OrderServiceDeps,
  requests: AsyncIterable<OrderEntryRequest>,
  call: Call,
): AsyncGenerator<EntryCommand<CommandAnswer>> {
  const caller = callerOf(call);
  for await (const request of requests) {
    if (caller.expiresAtMs <= deps.nowMs())
      throw new DomainError("TOKEN_EXPIRED", { outcome: "NOT_ATTEMPTED" });
    // The deadline of a command starts when it is read, not when the stream did.
    const deadlineMs = deps.deadlineOf({ ...call, deadlineMs: undefined });
    yield (turn) =>
      runEntry(deps, { request, caller, context: { ...turn, deadlineMs, traceparent: call.traceparent } });
  }
}

interface Command {
  readonly request: OrderEntryRequest;
  readonly caller: Caller;
  readonly context: Omit<CallContext, "userId" | "tier">;
}

async function runEntry(
  deps: OrderServiceDeps,
  { request, caller, context }: Command,
): Promise<CommandAnswer> {
  const userId = await admitted(deps, request, caller);
  const { tier } = caller;
  return runCommand(deps, request.command, { ...context, userId, tier, operatorId: operatorIdOf(caller) });
}

/** The checks that a unary call has in its guards, in their order: permission, limit, schema. Returns for whom. */
async function admitted(deps: OrderServiceDeps, request: OrderEntryRequest, caller: Caller): Promise<string> {
  try {
    // Ids derive from the user's: one in capitals would stand for other orders of the same user.
    const userId = request.userId === "" ? caller.userId : request.userId.toLowerCase();
    const isOwn = userId === caller.userId;
    const mayTrade = caller.roles.has("trader");
    const mayCancel = request.command.case === "cancel" && caller.roles.has("operator");
    const mayAct = isOwn ? mayTrade || mayCancel : caller.permissions.has("act_for");
    if (!mayAct) throw new DomainError("INSUFFICIENT_SCOPE", { field: "user_id" });
    await deps.limiter.checkUser(caller, request.command.case === "cancel" ? "cancel" : "request");
    validateRequest(OrderEntryRequestSchema, request);
    return userId;
  } catch (error) {
    throw error instanceof DomainError ? withFacts(asInUnary(error), { outcome: "NOT_ATTEMPTED" }) : error;
  }
}

/** The contract promises the details of the unary call, where a field has no "place.", "cancel." or "amend." before it. */
function asInUnary(error: DomainError): DomainError {
  const { field } = error.facts;
  if (field === undefined) return error;
  return new DomainError(error.reason, {
    ...error.facts,
    field: field.replace(/^(place|cancel|amend)\./, ""),
  });
}

function resultToWire(result: EntryResult<CommandAnswer>): MessageInitShape<typeof OrderEntryResponseSchema> {
  const index = BigInt(result.index);
  if (result.type === "error") return { index, result: { case: "error", value: toStatus(result.error) } };
  return { index, result: commandToWire(result.answer) };
}
