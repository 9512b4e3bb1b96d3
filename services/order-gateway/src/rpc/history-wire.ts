// ListOrders and ListTrades: filters and page tokens in, rows out.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type {
  ListOrdersRequest,
  ListOrdersResponseSchema,
  ListTradesRequest,
  ListTradesResponseSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { HistoryDeps, listOrderHistory, listTradeHistory } from "../flow/list-history.js";
import { formatPageToken, parsePageToken } from "./page-token.js";

type OrdersQuery = Parameters<HistoryDeps["orders"]>[0];
type TradesQuery = Parameters<HistoryDeps["trades"]>[0];
type OrdersPage = Awaited<ReturnType<typeof listOrderHistory>>;
type TradesPage = Awaited<ReturnType<typeof listTradeHistory>>;

const PAGE_SIZE = 100;
const PAGE_SIZE_MAX = 1_000;
/** Years 1970 to 9998: what a calendar can hold on either side of an off-by-one. */
const TIME_MS_MAX = Date.UTC(9999, 0, 1) - 1;

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
  const fromMs = timeOf(request.fromTime, "from_time");
  const toMs = timeOf(request.toTime, "to_time");
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
    throw new DomainError("INVALID_TIME_RANGE", { field: "from_time" });
  }
  const pageSize = request.pageSize === 0 ? PAGE_SIZE : Math.min(request.pageSize, PAGE_SIZE_MAX);
  return { symbol: request.symbol === "" ? undefined : request.symbol, fromMs, toMs, pageSize };
}

function timeOf(time: Timestamp | undefined, field: string): number | undefined {
  if (time === undefined) return undefined;
  const ms = timestampMs(time);
  if (!(ms >= 0 && ms <= TIME_MS_MAX)) throw new DomainError("INVALID_TIME_RANGE", { field });
  return ms;
}

/** The list that a token belongs to, by owner and filters; the page size may change from page to page. */
function listOfOrders({ symbol, statuses, fromTime, toTime }: ListOrdersRequest, userId: string): string {
  return ["orders", userId, symbol, statuses.join("+"), textOf(fromTime), textOf(toTime)].join("|");
}

function listOfTrades({ symbol, orderId, fromTime, toTime }: ListTradesRequest, userId: string): string {
  return ["trades", userId, symbol, orderId, textOf(fromTime), textOf(toTime)].join("|");
}

function textOf(time: Timestamp | undefined): string {
  return time === undefined ? "" : String(timestampMs(time));
}
