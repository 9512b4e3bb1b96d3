// ListOrders and ListTrades: filters and page tokens in, rows out.

import type {
  ListOrdersRequest,
  ListOrdersResponseSchema,
  ListTradesRequest,
  ListTradesResponseSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { readPageRequest, textOfTime } from "@bourse/shared/rpc/page-request.js";
import { formatPageToken, parsePageToken } from "@bourse/shared/rpc/page-token.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HistoryDeps, listOrderHistory, listTradeHistory } from "../flow/list-history.js";

type OrdersQuery = Parameters<HistoryDeps["orders"]>[0];
type TradesQuery = Parameters<HistoryDeps["trades"]>[0];
type OrdersPage = Awaited<ReturnType<typeof listOrderHistory>>;
type TradesPage = Awaited<ReturnType<typeof listTradeHistory>>;

/** Query of a request. Refuses bad times and page tokens. */
export function ordersQueryOf(request: ListOrdersRequest, userId: string): OrdersQuery {
  const cells = parsePageToken(listOfOrders(request, userId), request.pageToken, [
    "number",
    "number",
    "string",
  ]);
  const after = cells && {
    createdAtMs: cells[0] as number,
    acceptedSeq: cells[1] as number,
    orderId: cells[2] as string,
  };
  return {
    userId,
    ...filtersOf(request),
    statuses: request.statuses.filter((status) => status !== 0),
    after,
  };
}

export function ordersPageToWire(
  request: ListOrdersRequest,
  userId: string,
  { orders, next }: OrdersPage,
): MessageInitShape<typeof ListOrdersResponseSchema> {
  return {
    orders: orders.map(
      ({ createdAtMs, updatedAtMs, acceptedSeq, price, stopPrice, quantity, quoteBudget, ...order }) => ({
        ...order,
        price: price ?? "",
        stopPrice: stopPrice ?? "",
        quantity: quantity ?? "",
        quoteBudget: quoteBudget ?? "",
        createdTime: timestampFromMs(Number(createdAtMs)),
        updatedTime: timestampFromMs(Number(updatedAtMs)),
        acceptedSequence: BigInt(acceptedSeq),
      }),
    ),
    nextPageToken:
      next === undefined
        ? ""
        : formatPageToken(listOfOrders(request, userId), [
            Number(next.createdAtMs),
            Number(next.acceptedSeq),
            next.orderId,
          ]),
  };
}

/** Query of a request. Refuses bad times and page tokens. */
export function tradesQueryOf(request: ListTradesRequest, userId: string): TradesQuery {
  const cells = parsePageToken(listOfTrades(request, userId), request.pageToken, [
    "number",
    "number",
    "number",
    "string",
  ]);
  const [executedAtMs, seq, index, tradeId] = cells ?? [];
  const after = cells && {
    executedAtMs: executedAtMs as number,
    seq: seq as number,
    index: index as number,
    tradeId: tradeId as string,
  };
  return {
    userId,
    ...filtersOf(request),
    orderId: request.orderId === "" ? undefined : request.orderId,
    after,
  };
}

export function tradesPageToWire(
  request: ListTradesRequest,
  userId: string,
  { trades, next }: TradesPage,
): MessageInitShape<typeof ListTradesResponseSchema> {
  return {
    trades: trades.map(({ executedAtMs, seq, ...trade }) => ({
      ...trade,
      executedTime: timestampFromMs(Number(executedAtMs)),
      sequence: BigInt(seq),
    })),
    nextPageToken:
      next === undefined
        ? ""
        : formatPageToken(listOfTrades(request, userId), [
            Number(next.executedAtMs),
            Number(next.seq),
            next.index,
            next.tradeId,
          ]),
  };
}

function filtersOf(request: ListOrdersRequest | ListTradesRequest) {
  return { symbol: request.symbol === "" ? undefined : request.symbol, ...readPageRequest(request) };
}

/** The list that a token belongs to, by owner and filters; the page size may change from page to page. */
function listOfOrders({ symbol, statuses, fromTime, toTime }: ListOrdersRequest, userId: string): string {
  return ["orders", userId, symbol, statuses.join("+"), textOfTime(fromTime), textOfTime(toTime)].join("|");
}

function listOfTrades({ symbol, orderId, fromTime, toTime }: ListTradesRequest, userId: string): string {
  return ["trades", userId, symbol, orderId, textOfTime(fromTime), textOfTime(toTime)].join("|");
}
