// Who may call what: one table for every surface.

import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { OrderGatewayService } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Caller } from "./caller.js";

/** Whether a caller may use a method at all; what it may name there is the handler's. */
export type Rule = "anybody" | ((caller: Caller) => boolean);

const trader: Rule = ({ roles }) => roles.has("trader");
const operator: Rule = ({ roles }) => roles.has("operator");
const somebody: Rule = ({ roles }) => roles.has("trader") || roles.has("operator") || roles.has("auditor");
const { method: orders } = OrderGatewayService;
const { method: accounts } = AccountService;

const RULES: ReadonlyMap<DescMethod, Rule> = new Map<DescMethod, Rule>([
  [orders.placeOrder, trader],
  [orders.cancelOrder, trader],
  [orders.getOrder, somebody],
  [orders.listOrders, somebody],
  [orders.listTrades, somebody],
  [orders.createMarket, operator],
  [orders.orderEntry, ({ roles, permissions }) => roles.has("trader") || permissions.has("act_for")],
  [accounts.getBalances, somebody],
  [accounts.deposit, operator],
  [accounts.withdraw, operator],
]);

/** Rule of a method; one that nobody thought of is closed. */
export function ruleOf(method: DescMethod): Rule {
  if (method.parent === MarketDataService) return "anybody";
  return RULES.get(method) ?? (() => false);
}

/** True for calls that count as cancels. */
export function isCancel(method: DescMethod): boolean {
  return method === orders.cancelOrder;
}
