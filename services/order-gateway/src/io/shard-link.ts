// The pipelined command stream to one shard. Commands are sequenced in the order in which they are
// given; after a broken connection the unanswered ones go out again, in order, before anything new.

import { assert } from "@bourse/shared/assert.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { CommandSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type {
  CommandResult,
  CommandStreamRequestSchema,
  CommandStreamResponse,
  MatcherService,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import type { Duplex, ServiceClient } from "@bourse/shared/rpc/client.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { backoffMs } from "@bourse/shared/runtime/retry.js";
import type { MessageInitShape } from "@bufbuild/protobuf";

export type CommandMessage = MessageInitShape<typeof CommandSchema>;

/** Commands that must not overtake each other, and end together: those of one OrderEntry stream. */
export interface LaneState {
  /** Set when one of them was given up or ended in doubt: no later one may be sent. */
  isBroken: boolean;
}

export interface CommandOptions {
  readonly lane?: LaneState | undefined;
  /** Wall-clock milliseconds at which the command is given up. */
  readonly deadlineMs: number;
}

export interface LinkAnswer {
  readonly result: CommandResult;
  /** True when the command went out more than once, so that its own first copy may have been the one. */
  readonly wasResent: boolean;
}

type Stream = Duplex<MessageInitShape<typeof CommandStreamRequestSchema>, CommandStreamResponse>;

interface Pending extends CommandOptions {
  readonly message: CommandMessage;
  readonly resolve: (answer: LinkAnswer) => void;
  readonly reject: (error: DomainError) => void;
  sends: number;
  isGivenUp: boolean;
}

export interface ShardLinkOptions {
  readonly client: ServiceClient<typeof MatcherService>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly connected: () => Promise<void>;
}

const BATCH_MAX = 1_000;
const PENDING_MAX = 20_000;
const SWEEP_MS = 50;
/** A shard that waits for its followers refuses streams; it opens within a fraction of a second. */
const BACKOFF = { baseMs: 50, capMs: 250 };

/** States: idle → connecting → streaming → (broken) connecting … until closed. */
export class ShardLink {
  readonly #options: ShardLinkOptions;
  /** Unanswered commands, oldest first; the first `#sentCount` are on the present stream. */
  #pending: Pending[] = [];
  #sentCount = 0;
  #stream: Stream | undefined;
  #isConnecting = false;
  #isFlushing = false;
  #sweep: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Streams in a row that broke before a single result. */
  #failures = 0;

  constructor(options: ShardLinkOptions) {
    this.#options = options;
  }

  /**
   * Queues a command at once and resolves with its result. Rejects, with `outcome`, when it is given up:
   * at its deadline, or because an earlier command of its lane was.
   */
  execute(message: CommandMessage, options: CommandOptions): Promise<LinkAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed || this.#pending.length >= PENDING_MAX) {
        return reject(
          new DomainError(this.#isClosed ? "DRAINING" : "OVERLOADED", { outcome: "NOT_ATTEMPTED" }),
        );
      }
      if (options.lane?.isBroken === true) {
        return reject(new DomainError("SHARD_UNAVAILABLE", { outcome: "NOT_ATTEMPTED" }));
      }
      this.#pending.push({ ...options, message, resolve, reject, sends: 0, isGivenUp: false });
      this.#sweep ??= setTimeout(() => this.#sweepExpired(), SWEEP_MS);
      this.#flushSoon();
    });
  }

  /** Gives up what is unanswered and ends the stream. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#sweep);
    for (const command of this.#pending) giveUp(command, new DomainError("DRAINING"));
    this.#stream?.end();
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // One turn of the event loop gathers what arrives together.
    setImmediate(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    try {
      while (this.#stream !== undefined && this.#sentCount < this.#pending.length) {
        const stream = this.#stream;
        const commands = this.#takeBatch();
        if (commands.length > 0 && !stream.write({ commands })) await stream.drained();
      }
    } finally {
      this.#isFlushing = false;
    }
    if (this.#sentCount === this.#pending.length) return;
    if (this.#stream === undefined) await this.#connect();
    else this.#flushSoon();
  }

  /** Marks the next commands as sent; given up ones that never left are dropped. */
  #takeBatch(): CommandMessage[] {
    const batch: CommandMessage[] = [];
    const unsent = this.#pending.splice(this.#sentCount);
    for (const command of unsent) {
      if (command.isGivenUp) continue;
      this.#pending.push(command);
      if (batch.length >= BATCH_MAX) continue;
      command.sends += 1;
      this.#sentCount += 1;
      batch.push(command.message);
    }
    return batch;
  }

  async #connect(): Promise<void> {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    for (let attempt = 1; this.#pending.length > 0 && !this.#isClosed; attempt += 1) {
      try {
        await this.#options.connected();
        this.#open();
        break;
      } catch {
        await this.#options.clock.sleep(backoffMs(attempt, { ...BACKOFF, random: this.#options.random }));
      }
    }
    this.#isConnecting = false;
    if (this.#stream !== undefined) this.#flushSoon();
  }

  #open(): void {
    const stream = this.#options.client.commandStream();
    this.#stream = stream;
    this.#sentCount = 0;
    this.#pending = this.#pending.filter((command) => !command.isGivenUp);
    void this.#read(stream);
  }

  async #read(stream: Stream): Promise<void> {
    try {
      for await (const { results } of stream) for (const result of results) this.#answer(result);
    } catch {
      // A broken stream is no outcome: what it left unanswered goes out again on the next one.
    }
    stream.cancel();
    this.#stream = undefined;
    this.#sentCount = 0;
    // A shard that refuses streams is asked again later, not at once.
    this.#failures += 1;
    this.#isConnecting = true;
    await this.#options.clock.sleep(backoffMs(this.#failures, { ...BACKOFF, random: this.#options.random }));
    this.#isConnecting = false;
    if (this.#pending.length > 0) await this.#connect();
  }

  #answer(result: CommandResult): void {
    const command = this.#pending.shift();
    assert(command !== undefined && this.#sentCount > 0, "a shard answers only what it was asked");
    this.#sentCount -= 1;
    this.#failures = 0;
    if (!command.isGivenUp) command.resolve({ result, wasResent: command.sends > 1 });
  }

  #sweepExpired(): void {
    const nowMs = this.#options.clock.wallMs();
    for (const command of this.#pending) {
      if (command.deadlineMs > nowMs && command.lane?.isBroken !== true) continue;
      if (command.lane !== undefined) command.lane.isBroken = true;
      giveUp(command, new DomainError("DEADLINE_EXCEEDED"));
    }
    const isQuiet = this.#pending.length === 0;
    this.#sweep = isQuiet ? undefined : setTimeout(() => this.#sweepExpired(), SWEEP_MS);
  }
}

function giveUp(command: Pending, { reason }: DomainError): void {
  if (command.isGivenUp) return;
  command.isGivenUp = true;
  command.reject(new DomainError(reason, { outcome: command.sends > 0 ? "UNKNOWN" : "NOT_ATTEMPTED" }));
}
