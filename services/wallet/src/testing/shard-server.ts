// A shard as its followers see it: a log in memory behind the real contract, which can be cut off,
// restarted with a higher epoch, and asked what was reported to it.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { RecordSchema, type Record as ShardRecord } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  MatcherService,
  type StreamEventsResponseSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { implement } from "@bourse/shared/rpc/call.js";
import { type GrpcServer, serveGrpc } from "@bourse/shared/rpc/server.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { MARKET } from "./names.js";

type Message = MessageInitShape<typeof StreamEventsResponseSchema>;

/** A log without output. */
export const silent = createLogger({ service: "test", level: "silent" });

/** A shard in this process. */
export class ShardServer {
  readonly records: ShardRecord[] = [];
  /** Seqs that were reported as the wallet's cursor, in order. */
  readonly reported: number[] = [];
  /** Ids that were asked about by Resolve; those in `known` are orders of the shard. */
  readonly resolved: string[] = [];
  readonly known = new Set<string>();
  /** Runs before a report counts, once. */
  onReport: (() => Promise<void>) | undefined;
  epoch = 1;
  /** First record that is still retained. */
  oldestSeq = 1;
  #server: GrpcServer | undefined;
  #wake: (() => void)[] = [];
  #cut = new AbortController();
  readonly #shard: number;

  constructor(shard = 0) {
    this.#shard = shard;
  }

  get address(): string {
    if (this.#server === undefined) throw new Error("the shard is not served");
    return `127.0.0.1:${this.#server.port}`;
  }

  async serve(): Promise<void> {
    this.#server = await serveGrpc({
      host: "127.0.0.1",
      port: 0,
      services: [this.#service()],
      log: silent,
      metrics: createMetrics("test"),
      isReady: () => true,
    });
  }

  async close(): Promise<void> {
    this.cut();
    await this.#server?.close(100);
  }

  append(...records: ShardRecord[]): void {
    this.records.push(...records);
    this.#wakeAll();
  }

  /** Ends every event stream, as a restart does. */
  cut(): void {
    const old = this.#cut;
    this.#cut = new AbortController();
    old.abort();
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #service() {
    return implement(MatcherService, {
      streamEvents: (request, call) => this.#stream(Number(request.afterSeq), call.signal),
      reportCursor: async ({ seq }) => {
        const { onReport } = this;
        this.onReport = undefined;
        await onReport?.();
        const highestSeq = BigInt(Math.max(0, ...this.reported));
        this.reported.push(Number(seq));
        return { isOpen: true, highestSeq };
      },
      resolve: async ({ resolve }) => {
        const orderId = resolve?.orderId ?? "";
        this.resolved.push(orderId);
        const isKnown = this.known.has(orderId);
        if (!isKnown) this.#tombstone(orderId, resolve?.userId ?? "");
        const tombstone = { orderId, status: OrderStatus.REJECTED, reason: EndReason.NOT_SEQUENCED };
        const order = isKnown ? { orderId, terms: { orderId } } : tombstone;
        return { result: { outcome: { case: "order" as const, value: order } } };
      },
    });
  }

  #tombstone(orderId: string, userId: string): void {
    const seq = BigInt(this.records.length + 1);
    const value = {
      orderId,
      userId,
      status: OrderStatus.REJECTED,
      reason: EndReason.NOT_SEQUENCED,
      executedTickLots: "0",
      isTombstone: true,
      acceptedSeq: seq,
    };
    const events = [{ kind: { case: "ended" as const, value } }];
    this.append(create(RecordSchema, { seq, epoch: BigInt(this.epoch), timeMs: seq * 1_000n, events }));
  }

  async *#stream(afterSeq: number, signal: AbortSignal): AsyncGenerator<Message> {
    const cut = this.#cut.signal;
    if (afterSeq + 1 < this.oldestSeq)
      throw new DomainError("SEQ_TOO_OLD", { oldest_seq: String(this.oldestSeq) });
    const epoch = BigInt(this.epoch);
    const header = { shard: this.#shard, epoch, endSeq: BigInt(this.records.length), markets: [MARKET] };
    yield { kind: { case: "header", value: header } };
    signal.addEventListener("abort", () => this.#wakeAll(), { once: true });
    for (let next = afterSeq; ; ) {
      if (cut.aborted || signal.aborted) throw new DomainError("DRAINING");
      const records = this.records.slice(next);
      next = this.records.length;
      if (records.length > 0) yield { kind: { case: "batch", value: { records } } };
      else {
        await new Promise<void>((resolve) => {
          this.#wake.push(resolve);
        });
      }
    }
  }
}
