// MatcherService on the wire: text in, domain values through, messages out. Decides nothing.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type {
  CancelAllCommand as WireCancelAll,
  Command as WireCommand,
  SetMarketStateCommand as WireSetMarketState,
  SetSwitchCommand as WireSetSwitch,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import type { Market as WireMarket } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { isUuid } from "@bourse/shared/ids.js";
import { implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import { withSpan } from "@bourse/shared/runtime/tracing.js";
import type { Answer, Request } from "../flow/answer.js";
import { eventStreams } from "./event-streams.js";
import { position } from "./fields.js";
import { marketInit } from "./market-wire.js";
import type { MatcherHandlers } from "./matcher-handlers.js";
import { levelInit, orderInit, resultInit } from "./matcher-wire.js";
import { parseAmend, parseCancel, parseResolve, parseSubmit, parseTraceparent } from "./parse-command.js";
import { parseCancelAll, parseSetMarketState, parseSetSwitch } from "./parse-control.js";
import { parseNewMarket } from "./parse-market.js";
import { pipelined } from "./pipelined.js";

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
    amend: ({ amend, traceparent }) => one(() => parseAmend(amend), traceparent),
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
    ...controls(matcher),
    ...queries(matcher),
    ...eventStreams(matcher),
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
    case "amend":
      return { command: parseAmend(kind.value), traceparent };
    default:
      throw new DomainError("INVALID_FIELD", { field: "kind" });
  }
}

/** Commands about many orders or about a market. */
function controls(matcher: MatcherHandlers) {
  /** The shard is open, the command can be read, and there is room for it. */
  const admitted = async <T>(parse: () => T): Promise<T> => {
    matcher.requireOpen();
    const command = parse();
    await matcher.room();
    return command;
  };
  return {
    async addMarket({ market }: { market?: WireMarket | undefined }, call: { traceparent: string }) {
      const parsed = await admitted(() => {
        if (market === undefined) throw new DomainError("FIELD_REQUIRED", { field: "market" });
        return parseNewMarket(market, matcher.shard);
      });
      return { market: marketInit(await matcher.addMarket(parsed, parseTraceparent(call.traceparent))) };
    },
    async cancelAll(request: { cancelAll?: WireCancelAll | undefined; traceparent: string }) {
      const command = await admitted(() => parseCancelAll(request.cancelAll));
      const traceparent = parseTraceparent(request.traceparent);
      const { cancelled, seq, replayed } = await matcher.cancelAll(command, traceparent);
      return { cancelled, seq: BigInt(seq), replayed };
    },
    async setSwitch(request: { setSwitch?: WireSetSwitch | undefined; traceparent: string }) {
      const command = await admitted(() => parseSetSwitch(request.setSwitch));
      const traceparent = parseTraceparent(request.traceparent);
      const { dueAtMs, timeMs, seq } = await matcher.setSwitch(command, traceparent);
      return { dueAtMs: BigInt(dueAtMs), timeMs: BigInt(timeMs), seq: BigInt(seq) };
    },
    async setMarketState(request: { setMarketState?: WireSetMarketState | undefined; traceparent: string }) {
      const command = await admitted(() => parseSetMarketState(request.setMarketState));
      const traceparent = parseTraceparent(request.traceparent);
      const { market, seq } = await matcher.setMarketState(command, traceparent);
      return { market: marketInit(market), seq: BigInt(seq) };
    },
  };
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
