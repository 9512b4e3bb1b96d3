// The pipelined stream to the wallet: batches out, results back in any order.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type {
  ReserveRequestSchema,
  ReserveStreamRequestSchema,
  ReserveStreamResponse,
  TaggedReserveResult,
  WalletService,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import type { Duplex, ServiceClient } from "@bourse/shared/rpc/client.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { MessageInitShape } from "@bufbuild/protobuf";

export type ReserveMessage = MessageInitShape<typeof ReserveRequestSchema>;
export type ReserveOutcome = TaggedReserveResult["outcome"];

export interface ReserveLinkOptions {
  readonly client: ServiceClient<typeof WalletService>;
  readonly connected: () => Promise<void>;
  readonly clock: Clock;
}

interface Batch {
  readonly firstTag: number;
  readonly outcomes: ReserveOutcome[];
  missing: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (outcomes: ReserveOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

/** After so long the next batch opens a new stream, so that replicas of the wallet share the work. */
const STREAM_MS_MAX = 60_000;

/** The newest stream takes the batches; older ones end when what they carry is answered. */
export class ReserveLink {
  readonly #options: ReserveLinkOptions;
  #stream: ReserveStream | undefined;

  constructor(options: ReserveLinkOptions) {
    this.#options = options;
  }

  /**
   * Sends one batch and resolves with its outcomes, in order. Asks `take` for it once there is a connection,
   * in the moment before it leaves: a rejection before that means that nothing was sent, one after it that
   * the outcome is unknown.
   */
  async send(take: () => readonly ReserveMessage[], timeoutMs: number): Promise<ReserveOutcome[]> {
    const { client, connected, clock } = this.#options;
    const ageMs = clock.monotonicMs() - (this.#stream?.openedMs ?? 0);
    if (this.#stream !== undefined && ageMs > STREAM_MS_MAX) this.close();
    if (this.#stream === undefined || this.#stream.isOver) {
      this.#stream = undefined;
      await connected();
    }
    // Another batch may have opened one while this one waited for the connection, and it may be over again.
    const stream =
      this.#stream === undefined || this.#stream.isOver
        ? new ReserveStream(client, clock.monotonicMs())
        : this.#stream;
    this.#stream = stream;
    return stream.send(take(), timeoutMs);
  }

  /** Ends the stream when all that it carries is answered. */
  close(): void {
    this.#stream?.end();
    this.#stream = undefined;
  }
}

/** One stream and the batches that left on it. */
class ReserveStream {
  readonly openedMs: number;
  readonly #duplex: Duplex<MessageInitShape<typeof ReserveStreamRequestSchema>, ReserveStreamResponse>;
  readonly #batches = new Map<number, Batch>();
  #nextTag = 0;
  #isOver = false;

  constructor(client: ServiceClient<typeof WalletService>, openedMs: number) {
    this.openedMs = openedMs;
    this.#duplex = client.reserveStream();
    void this.#read();
  }

  /** True when nothing more can be sent on it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  send(reserves: readonly ReserveMessage[], timeoutMs: number): Promise<ReserveOutcome[]> {
    const firstTag = this.#nextTag;
    this.#nextTag += reserves.length;
    const outcomes = new Promise<ReserveOutcome[]>((resolve, reject) => {
      const timer = setTimeout(() => this.#close(batch, new DomainError("DEADLINE_EXCEEDED")), timeoutMs);
      const missing = reserves.length;
      const batch: Batch = { firstTag, outcomes: new Array(missing), missing, timer, resolve, reject };
      for (let index = 0; index < missing; index += 1) this.#batches.set(firstTag + index, batch);
    });
    this.#duplex.write({
      reserves: reserves.map((reserve, index) => ({ tag: BigInt(firstTag + index), reserve })),
    });
    return outcomes;
  }

  /** No more batches from here; what was sent is still answered. */
  end(): void {
    this.#duplex.end();
  }

  async #read(): Promise<void> {
    let failure: unknown = new DomainError("TRANSPORT_FAILED", { problem: "the wallet ended the stream" });
    try {
      for await (const { results } of this.#duplex) for (const result of results) this.#settle(result);
    } catch (error) {
      failure = error;
    }
    this.#isOver = true;
    this.#duplex.cancel();
    for (const batch of new Set(this.#batches.values())) this.#close(batch, failure);
  }

  #settle({ tag, outcome }: TaggedReserveResult): void {
    const batch = this.#batches.get(Number(tag));
    // Results of a batch that timed out have nobody to go to.
    if (batch === undefined) return;
    this.#batches.delete(Number(tag));
    batch.outcomes[Number(tag) - batch.firstTag] = outcome;
    batch.missing -= 1;
    if (batch.missing === 0) this.#close(batch);
  }

  #close(batch: Batch, failure?: unknown): void {
    clearTimeout(batch.timer);
    for (let index = 0; index < batch.outcomes.length; index += 1)
      this.#batches.delete(batch.firstTag + index);
    if (failure === undefined) batch.resolve(batch.outcomes);
    else batch.reject(failure);
  }
}
