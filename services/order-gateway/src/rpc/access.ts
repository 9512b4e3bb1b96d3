// Who may call what: one table for every surface.

import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import {
  type BatchOrdersRequest,
  OrderGatewayService,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Caller } from "./caller.js";

/** Whether a caller may use a method at all; what it may name there is the handler's. */
export type Rule = "anybody" | ((caller: Caller) => boolean);

const trader: Rule = ({ roles }) => roles.has("trader");
const operator: Rule = ({ roles }) => roles.has("operator");
const canceller = ({ roles }: Caller) => roles.has("trader") || roles.has("operator");
const somebody: Rule = ({ roles }) => roles.has("trader") || roles.has("operator") || roles.has("auditor");
/** Items of a batch at most; the contract says so too. */
const BATCH_MAX = 20;
const { method: orders } = OrderGatewayService;
const { method: accounts } = AccountService;

const RULES: ReadonlyMap<DescMethod, Rule> = new Map<DescMethod, Rule>([
  [orders.placeOrder, trader],
  [orders.cancelOrder, canceller],
  [orders.amendOrder, trader],
  [orders.cancelAllOrders, canceller],
  [orders.batchOrders, trader],
  [orders.cancelAllAfter, trader],
  [orders.getOrder, somebody],
  [orders.listOrders, somebody],
  [orders.listTrades, somebody],
  [orders.createMarket, operator],
  [orders.setMarketState, operator],
  [orders.orderEntry, (caller) => canceller(caller) || caller.permissions.has("act_for")],
  [accounts.getBalances, somebody],
  [accounts.listLedgerEntries, somebody],
  [accounts.deposit, operator],
  [accounts.adjustBalance, operator],
  [accounts.withdraw, operator],
  [accounts.completeWithdrawal, operator],
  [accounts.cancelWithdrawal, operator],
  [accounts.getWithdrawal, ({ roles }) => roles.has("operator") || roles.has("auditor")],
]);

/** Rule of a method; one that nobody thought of is closed. */
export function ruleOf(method: DescMethod): Rule {
  if (method.parent === MarketDataService) return "anybody";
  return RULES.get(method) ?? (() => false);
}

const CANCELS: ReadonlySet<DescMethod> = new Set<DescMethod>([
  orders.cancelOrder,
  orders.cancelAllOrders,
  orders.cancelAllAfter,
]);

/** What a call takes from its user's two buckets. */
export interface Cost {
  readonly request: number;
  readonly cancel: number;
}

/** Weight of a call. A batch weighs what its items would one by one. */
export function costOf(method: DescMethod, request: unknown): Cost {
  if (CANCELS.has(method)) return { request: 0, cancel: 1 };
  if (method !== orders.batchOrders) return { request: 1, cancel: 0 };
  const { items } = request as BatchOrdersRequest;
  // One that is too long is refused whole; it need not cost more than the longest that is not.
  const counted = items.slice(0, BATCH_MAX);
  const cancel = counted.filter(({ command }) => command.case === "cancel").length;
  return { request: cancel === 0 ? Math.max(1, counted.length) : counted.length - cancel, cancel };
}
