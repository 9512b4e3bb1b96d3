// The public services as typed clients that repeat a call until it has a final word.
import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { DomainError } from "@bourse/shared/errors/domain-error.js";
import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import {
  type BatchItemSchema,
  OrderGatewayService,
  type PlaceOrderRequestSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import {
  type CallOptions,
  type Channel,
  createClient,
  openChannel,
  type ServiceClient,
} from "@bourse/shared/rpc/client.js";
import { type Clock, systemClock } from "@bourse/shared/runtime/clock.js";
import type { DescService, MessageInitShape } from "@bufbuild/protobuf";
import { type RepeatOptions, untilFinal } from "./final-word.js";
import { type EntryCommand, OrderEntry } from "./order-entry.js";

export interface BourseClientOptions {
  /** gRPC address of the edge, for example "127.0.0.1:50051". */
  readonly address: string;
  /** Access token, or what gives the present one; market data needs none. */
  readonly token?: string | (() => string) | undefined;
  /** Ends repeating and every open call. */
  readonly signal?: AbortSignal | undefined;
  /** How long one attempt of a call may take; 10 s by default. */
  readonly timeoutMs?: number | undefined;
  /** Told before a call is made again. */
  readonly onRepeat?: ((error: DomainError, attempt: number) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}

export interface OrderEntryOptions {
  /** Unanswered commands at most. */
  readonly windowMax: number;
  /** See OrderEntry. */
  readonly renew?: ((command: EntryCommand) => EntryCommand | undefined) | undefined;
  /** Told when the stream broke and is opened again. */
  readonly onReconnect?: ((error: DomainError) => void) | undefined;
}

/** The exchange as a client sees it. Close it to end its connection. */
export interface BourseClient {
  readonly orders: ServiceClient<typeof OrderGatewayService>;
  readonly accounts: ServiceClient<typeof AccountService>;
  readonly marketData: ServiceClient<typeof MarketDataService>;
  openOrderEntry(options: OrderEntryOptions): OrderEntry;
  close(): void;
}

const timeoutMsDefault = 10_000;

/**
 * Opens a client. Unary calls come back with a result or with a failure that repeating cannot change;
 * while the exchange is away they wait. Streams are passed on as they are. An order without a client
 * order id, also one of a batch, and a cancel-all without a request id get one here, so that repeating them
 * can never place a second order, or end later ones. A batch is repeated as a whole only while it has no
 * results; a result without a final word is its caller's to repeat.
 */
export function openBourse(options: BourseClientOptions): BourseClient {
  const channel = openChannel(options.address, { isRemote: true });
  // Every call in flight listens to it, so many listeners are no leak.
  if (options.signal !== undefined) setMaxListeners(0, options.signal);
  const repeat: RepeatOptions = {
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    signal: options.signal,
    onRepeat: options.onRepeat,
  };
  const call = (): CallOptions => ({
    signal: options.signal,
    timeoutMs: options.timeoutMs ?? timeoutMsDefault,
    headers: headersOf(options.token),
  });
  const orders = repeating(OrderGatewayService, channel, call, repeat);
  const raw = createClient(OrderGatewayService, channel);
  return {
    orders: {
      ...orders,
      placeOrder: (request, own) => orders.placeOrder(withClientOrderId(request), own),
      cancelAllOrders: (request, own) =>
        orders.cancelAllOrders({ ...request, requestId: request.requestId || randomUUID() }, own),
      batchOrders: ({ items = [] }, own) => orders.batchOrders({ items: items.map(withKey) }, own),
    },
    accounts: repeating(AccountService, channel, call, repeat),
    marketData: repeating(MarketDataService, channel, call, repeat),
    openOrderEntry: (entry) =>
      new OrderEntry({
        ...entry,
        ...repeat,
        open: (signal) => raw.orderEntry({ signal, headers: headersOf(options.token) }),
      }),
    close: () => channel.close(),
  };
}

type Place = MessageInitShape<typeof PlaceOrderRequestSchema>;
type Item = MessageInitShape<typeof BatchItemSchema>;

function withClientOrderId(request: Place): Place {
  return { ...request, clientOrderId: request.clientOrderId || randomUUID() };
}

function withKey(item: Item): Item {
  const { command } = item;
  return command?.case === "place"
    ? { command: { case: "place", value: withClientOrderId(command.value) } }
    : item;
}

/** The clients of a service whose unary methods are repeated until final. */
function repeating<S extends DescService>(
  service: S,
  channel: Channel,
  call: () => CallOptions,
  repeat: RepeatOptions,
): ServiceClient<S> {
  const client = createClient(service, channel) as Record<string, (...args: never[]) => unknown>;
  const methods = service.methods.map(({ localName, methodKind }) => {
    const method = client[localName] as (request: unknown, options?: CallOptions) => unknown;
    if (methodKind === "bidi_streaming")
      return [localName, (own: CallOptions) => method({ ...streamOf(call()), ...own })];
    if (methodKind !== "unary") {
      return [
        localName,
        (request: unknown, own: CallOptions) => method(request, { ...streamOf(call()), ...own }),
      ];
    }
    const once = (request: unknown, own: CallOptions) =>
      method(request, { ...call(), ...own }) as Promise<unknown>;
    return [
      localName,
      (request: unknown, own: CallOptions = {}) =>
        untilFinal(
          () => once(request, own),
          own.signal === undefined ? repeat : { ...repeat, signal: own.signal },
        ),
    ];
  });
  return Object.fromEntries(methods) as ServiceClient<S>;
}

/** Streams live as long as they are read, so they get no timeout. */
function streamOf({ signal, headers }: CallOptions): CallOptions {
  return { signal, headers };
}

function headersOf(token: string | (() => string) | undefined): Record<string, string> {
  if (token === undefined) return {};
  return { authorization: `Bearer ${typeof token === "string" ? token : token()}` };
}
