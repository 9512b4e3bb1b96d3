// MatcherService on the wire: text in, domain values through, messages out. Decides nothing.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Command as WireCommand } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MatcherService, RecordBatchSchema } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { isUuid } from "@bourse/shared/ids.js";
import { implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import { withSpan } from "@bourse/shared/runtime/tracing.js";
import { create, type UnknownField } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Market, OrderView } from "../core/types.js";
import type { LevelView } from "../core/view.js";
import type { FollowerPosition } from "../flow/followers.js";
import type { StoredEntry } from "../flow/log.js";
import type { Answer, Request } from "../flow/sequence.js";
import type { ShardStatus } from "../flow/watch-shard.js";
import { marketInit, orderInit, resultInit } from "./matcher-wire.js";
import { parseCancel, parseNewMarket, parseResolve, parseSubmit, parseTraceparent } from "./parse-command.js";
import { pipelined } from "./pipelined.js";

/** What the handlers need from the shard. Failures are DomainErrors. */
export interface MatcherHandlers {
  readonly shard: number;
  /** Refuses with SHARD_UNAVAILABLE while the shard is not open. */
  readonly requireOpen: () => void;
  /** Resolves when there is room for more commands. */
  readonly room: () => Promise<void>;
  readonly order: (requests: readonly Request[]) => Promise<Answer[]>;
  readonly addMarket: (market: Market, traceparent: string) => Promise<Market>;
  readonly getOrder: (order: {
    orderId: string;
    userId: string;
  }) => Promise<{ order: OrderView; seq: number }>;
  readonly getBook: (symbol: string) => Promise<{
    epoch: number;
    seq: number;
    bids: readonly LevelView[];
    asks: readonly LevelView[];
  }>;
  readonly getShardState: () => Promise<{
    epoch: number;
    seq: number;
    stateHash: string;
    checksum: number;
    openOrders: number;
    followers: ReadonlyMap<string, number>;
  }>;
  readonly listOpenOrders: (page: { afterSeq: number; max: number }) => Promise<{
    orders: readonly OrderView[];
    seq: number;
    hasMore: boolean;
  }>;
  readonly header: () => Promise<{ epoch: number; endSeq: number; markets: readonly Market[] }>;
  /** Refuses a wrong position at once. */
  readonly events: (after: FollowerPosition, signal: AbortSignal) => AsyncIterable<readonly StoredEntry[]>;
  readonly report: (follower: string, position: FollowerPosition) => { isOpen: boolean };
  readonly watch: (signal: AbortSignal) => AsyncIterable<ShardStatus>;
}

const COMMANDS_MAX = 1_000;
const PAGE_MAX = 1_000;
/** Batches of one stream whose answers are outstanding. */
const BATCHES_IN_FLIGHT_MAX = 64;

export function matcherService(matcher: MatcherHandlers): ServiceEntry {
  const one = async (parse: () => Request["command"], traceparent: string) => {
    matcher.requireOpen();
    const command = parse();
    await matcher.room();
    const [answer] = await sequence(matcher, [{ command, traceparent: parseTraceparent(traceparent) }]);
    // The unary forms speak in errors, the stream in results.
    if (answer.type === "failure") throw new DomainError(answer.reason, answer.facts);
    return { result: resultInit(answer) };
  };
  return implement(MatcherService, {
    submit: ({ submit, traceparent }) => one(() => parseSubmit(submit), traceparent),
    cancel: ({ cancel, traceparent }) => one(() => parseCancel(cancel), traceparent),
    resolve: ({ resolve, traceparent }) => one(() => parseResolve(resolve), traceparent),
    async *commandStream(requests) {
      matcher.requireOpen();
      yield* pipelined(requests, {
        ready: matcher.room,
        handle: ({ commands }) => orderBatch(matcher, commands),
        inFlightMax: BATCHES_IN_FLIGHT_MAX,
      });
      // When it is the drain that ended the input, the caller has to know that it must come again.
      matcher.requireOpen();
    },
    async addMarket({ market }, call) {
      matcher.requireOpen();
      if (market === undefined) throw new DomainError("FIELD_REQUIRED", { field: "market" });
      const parsed = parseNewMarket(market, matcher.shard);
      return { market: marketInit(await matcher.addMarket(parsed, parseTraceparent(call.traceparent))) };
    },
    ...queries(matcher),
    ...streams(matcher),
  });
}

/** Sequences what can be read of a batch, at once and in one turn; what cannot is answered in its place. */
async function orderBatch(matcher: MatcherHandlers, commands: readonly WireCommand[]) {
  if (commands.length > COMMANDS_MAX) throw new DomainError("INVALID_FIELD", { field: "commands" });
  const requests: Request[] = [];
  const parsed = commands.map((command) => {
    try {
      requests.push(parseCommand(command));
      return undefined;
    } catch (error) {
      if (error instanceof DomainError) return error;
      throw error;
    }
  });
  const answers = await sequence(matcher, requests);
  let next = 0;
  return {
    results: parsed.map((error) => {
      if (error === undefined) return resultInit(answers[next++]);
      return resultInit({ type: "failure", reason: error.reason, facts: error.facts, seq: 0 });
    }),
  };
}

/** Sequences commands, at once; a traced one gets a span from here until its answer may leave. */
function sequence(matcher: MatcherHandlers, requests: readonly Request[]): Promise<Answer[]> {
  const answering = matcher.order(requests);
  for (const { command, traceparent } of requests) {
    if (traceparent === "") continue;
    const attributes = { "bourse.shard": matcher.shard, "bourse.command": command.type };
    // A failure is the caller's to meet; here it only ends the span.
    withSpan("matcher sequence", traceparent, attributes, () => answering).catch(() => {});
  }
  return answering;
}

function parseCommand({ kind, traceparent: text }: WireCommand): Request {
  const traceparent = parseTraceparent(text);
  switch (kind.case) {
    case "submit":
      return { command: parseSubmit(kind.value), traceparent };
    case "cancel":
      return { command: parseCancel(kind.value), traceparent };
    case "resolve":
      return { command: parseResolve(kind.value), traceparent };
    default:
      throw new DomainError("INVALID_FIELD", { field: "kind" });
  }
}

function queries(matcher: MatcherHandlers) {
  return {
    async getOrder({ orderId, userId }: { orderId: string; userId: string }) {
      matcher.requireOpen();
      if (!isUuid(orderId)) throw new DomainError("INVALID_ORDER_ID", { field: "order_id" });
      const { order, seq } = await matcher.getOrder({ orderId, userId });
      return { order: orderInit(order), seq: BigInt(seq) };
    },
    async getBook({ symbol }: { symbol: string }) {
      matcher.requireOpen();
      const { epoch, seq, bids, asks } = await matcher.getBook(symbol);
      return { epoch: BigInt(epoch), seq: BigInt(seq), bids: bids.map(levelInit), asks: asks.map(levelInit) };
    },
    async getShardState() {
      matcher.requireOpen();
      const state = await matcher.getShardState();
      return {
        shard: matcher.shard,
        epoch: BigInt(state.epoch),
        seq: BigInt(state.seq),
        stateHash: state.stateHash,
        chain: state.checksum.toString(16).padStart(8, "0"),
        openOrders: BigInt(state.openOrders),
        followers: Object.fromEntries([...state.followers].map(([name, seq]) => [name, BigInt(seq)])),
      };
    },
    async listOpenOrders({ afterSeq, pageSize }: { afterSeq: bigint; pageSize: number }) {
      matcher.requireOpen();
      if (pageSize < 0) throw new DomainError("INVALID_PAGE_SIZE", { field: "page_size" });
      const max = pageSize === 0 ? PAGE_MAX : Math.min(pageSize, PAGE_MAX);
      const page = await matcher.listOpenOrders({ afterSeq: position("after_seq", afterSeq), max });
      return { orders: page.orders.map(orderInit), seq: BigInt(page.seq), hasMore: page.hasMore };
    },
  };
}

function streams(matcher: MatcherHandlers) {
  return {
    async *streamEvents(
      { afterSeq, afterEpoch }: { afterSeq: bigint; afterEpoch: bigint },
      { signal }: { signal: AbortSignal },
    ) {
      const after = { epoch: position("after_epoch", afterEpoch), seq: position("after_seq", afterSeq) };
      const batches = matcher.events(after, signal);
      const { epoch, endSeq, markets } = await matcher.header();
      const value = {
        shard: matcher.shard,
        epoch: BigInt(epoch),
        endSeq: BigInt(endSeq),
        markets: markets.map(marketInit),
      };
      yield { kind: { case: "header" as const, value } };
      for await (const entries of batches)
        yield { kind: { case: "batch" as const, value: batchOf(entries) } };
    },
    async reportCursor({ follower, epoch, seq }: { follower: string; epoch: bigint; seq: bigint }) {
      if (!/^[a-z][a-z0-9-]{0,31}$/.test(follower))
        throw new DomainError("INVALID_FIELD", { field: "follower" });
      return matcher.report(follower, { epoch: position("epoch", epoch), seq: position("seq", seq) });
    },
    async *watchShard(_: object, { signal }: { signal: AbortSignal }) {
      for await (const status of matcher.watch(signal)) yield statusInit(matcher.shard, status);
    },
  };
}

/**
 * A batch of records as they are stored. Their bytes are messages already: put behind the tag of `records` as
 * an unknown field they leave as they are, while decoding and encoding them anew would cost each follower
 * more than matching did.
 */
function batchOf(entries: readonly StoredEntry[]) {
  const batch = create(RecordBatchSchema);
  const { number } = RecordBatchSchema.field.records;
  batch.$unknown = entries.map(({ payload }): UnknownField => {
    const data = new BinaryWriter().bytes(payload).finish();
    return { no: number, wireType: WireType.LengthDelimited, data };
  });
  return batch;
}

function statusInit(shard: number, status: ShardStatus) {
  return {
    shard,
    epoch: BigInt(status.epoch),
    seq: BigInt(status.seq),
    timeMs: BigInt(status.timeMs),
    isOpen: status.isOpen,
    markets: status.markets.map(marketInit),
    quotes: status.quotes.map(({ symbol, lastTradeTicks, bestBidTicks, bestAskTicks }) => ({
      symbol,
      lastTradeTicks: BigInt(lastTradeTicks),
      bestBidTicks: BigInt(bestBidTicks),
      bestAskTicks: BigInt(bestAskTicks),
    })),
  };
}

function levelInit({ priceTicks, quantityLots, orderCount }: LevelView) {
  return { priceTicks: BigInt(priceTicks), quantityLots, orderCount };
}

function position(field: string, value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new DomainError("INVALID_FIELD", { field });
  return Number(value);
}
