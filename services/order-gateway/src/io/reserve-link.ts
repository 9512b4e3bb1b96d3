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
import type { MessageInitShape } from "@bufbuild/protobuf";

export type ReserveMessage = MessageInitShape<typeof ReserveRequestSchema>;
export type ReserveOutcome = TaggedReserveResult["outcome"];

type Stream = Duplex<MessageInitShape<typeof ReserveStreamRequestSchema>, ReserveStreamResponse>;

interface Batch {
  readonly firstTag: number;
  readonly outcomes: ReserveOutcome[];
  missing: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (outcomes: ReserveOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

/** One stream at a time, opened when it is needed and again after it broke. */
export class ReserveLink {
  readonly #client: ServiceClient<typeof WalletService>;
  readonly #connected: () => Promise<void>;
  readonly #batches = new Map<number, Batch>();
  #stream: Stream | undefined;
  #nextTag = 0;

  constructor(client: ServiceClient<typeof WalletService>, connected: () => Promise<void>) {
    this.#client = client;
    this.#connected = connected;
  }

  /**
   * Sends one batch and resolves with its outcomes, in order. Asks `take` for it once there is a connection,
   * in the moment before it leaves: a rejection before that means that nothing was sent, one after it that
   * the outcome is unknown.
   */
  async send(take: () => readonly ReserveMessage[], timeoutMs: number): Promise<ReserveOutcome[]> {
    if (this.#stream === undefined) await this.#connected();
    const stream = this.#stream ?? this.#open();
    const reserves = take();
    const firstTag = this.#nextTag;
    this.#nextTag += reserves.length;
    const outcomes = new Promise<ReserveOutcome[]>((resolve, reject) => {
      const timer = setTimeout(() => this.#end(batch, new DomainError("DEADLINE_EXCEEDED")), timeoutMs);
      const missing = reserves.length;
      const batch: Batch = { firstTag, outcomes: new Array(missing), missing, timer, resolve, reject };
      for (let index = 0; index < missing; index += 1) this.#batches.set(firstTag + index, batch);
    });
    stream.write({
      reserves: reserves.map((reserve, index) => ({ tag: BigInt(firstTag + index), reserve })),
    });
    return outcomes;
  }

  /** Ends the stream; what is unanswered fails. */
  close(): void {
    this.#stream?.end();
  }

  #open(): Stream {
    const stream = this.#client.reserveStream();
    this.#stream = stream;
    void this.#read(stream);
    return stream;
  }

  async #read(stream: Stream): Promise<void> {
    let failure: unknown = new DomainError("TRANSPORT_FAILED", { problem: "the wallet ended the stream" });
    try {
      for await (const { results } of stream) for (const result of results) this.#settle(result);
    } catch (error) {
      failure = error;
    }
    this.#stream = undefined;
    stream.cancel();
    for (const batch of new Set(this.#batches.values())) this.#end(batch, failure);
  }

  #settle({ tag, outcome }: TaggedReserveResult): void {
    const batch = this.#batches.get(Number(tag));
    // Results of a batch that timed out have nobody to go to.
    if (batch === undefined) return;
    this.#batches.delete(Number(tag));
    batch.outcomes[Number(tag) - batch.firstTag] = outcome;
    batch.missing -= 1;
    if (batch.missing === 0) this.#end(batch);
  }

  #end(batch: Batch, failure?: unknown): void {
    clearTimeout(batch.timer);
    for (let index = 0; index < batch.outcomes.length; index += 1)
      this.#batches.delete(batch.firstTag + index);
    if (failure === undefined) batch.resolve(batch.outcomes);
    else batch.reject(failure);
  }
}
