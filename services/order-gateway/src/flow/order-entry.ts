// Many commands on one stream: reserves overlap, shards see the commands in the order sent, and results
// come back in that order. What is in doubt ends the stream, so that nothing overtakes it.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { isInfrastructureFailure } from "@bourse/shared/errors/from-wire.js";
import type { LaneState } from "../io/shard-link.js";
import type { CallContext, Turn } from "./mesh.js";

/** One command of a stream: does its work when run, within its turn. */
export type EntryCommand<R> = (context: Pick<CallContext, "turn">) => Promise<R>;

/** What became of one command. */
export type EntryResult<R> =
  | { readonly index: number; readonly type: "done"; readonly answer: R }
  | { readonly index: number; readonly type: "error"; readonly error: DomainError };

export interface EntryOptions {
  /** Unanswered commands at once; the stream is not read further until one is answered. */
  readonly inFlightMax: number;
  /** Aborts when the process drains: no further command is read. */
  readonly drain: AbortSignal;
}

/**
 * Runs the commands of one stream. A command that ends in doubt, or because the mesh is away, breaks
 * the lane: every later command is answered with an error and never goes to a shard, then the stream
 * ends with the breaking error. Business refusals do not break it.
 */
export async function* runOrderEntry<R>(
  commands: AsyncIterable<EntryCommand<R>>,
  options: EntryOptions,
): AsyncGenerator<EntryResult<R>> {
  const lane = new Lane();
  const results = new Results<R>(options.inFlightMax);
  // Ends by itself when the input does; it never rejects.
  const input = { failure: undefined as DomainError | undefined };
  void readAll({ commands, lane, results, drain: options.drain, input });
  try {
    for (;;) {
      const next = await results.take();
      if (next === undefined) break;
      yield next;
      if (lane.failure !== undefined && results.areTaken) break;
    }
    const failure = lane.failure ?? input.failure;
    if (failure !== undefined) throw failure;
    if (options.drain.aborted) throw new DomainError("DRAINING");
  } finally {
    // Also when the caller goes away: what has not gone to a shard yet must not go any more.
    lane.breakWith(new DomainError("CANCELLED"));
    results.close();
  }
}

interface Reading<R> {
  readonly commands: AsyncIterable<EntryCommand<R>>;
  readonly lane: Lane;
  readonly results: Results<R>;
  readonly drain: AbortSignal;
  readonly input: { failure: DomainError | undefined };
}

async function readAll<R>({ commands, lane, results, drain, input }: Reading<R>): Promise<void> {
  let index = 0;
  try {
    for await (const command of commands) {
      if (lane.failure !== undefined || drain.aborted) break;
      results.add(runOne(lane, command, index));
      index += 1;
      await results.room();
    }
  } catch (error) {
    // What was read before a malformed command is still carried out.
    input.failure = error instanceof DomainError ? error : new DomainError("CANCELLED", {}, { cause: error });
  } finally {
    results.end();
  }
}

async function runOne<R>(lane: Lane, command: EntryCommand<R>, index: number): Promise<EntryResult<R>> {
  const turn = lane.next();
  try {
    return { index, type: "done", answer: await command({ turn }) };
  } catch (error) {
    const failure = error instanceof DomainError ? error : new DomainError("INTERNAL", {}, { cause: error });
    if (breaksLane(failure)) lane.breakWith(failure);
    return { index, type: "error", error: failure };
  } finally {
    turn.leave();
  }
}

/** After such an end, what came later on the stream must not be carried out. */
function breaksLane(error: DomainError): boolean {
  return error.facts.outcome === "UNKNOWN" || isInfrastructureFailure(error);
}

/** The order of commands on one stream. */
class Lane {
  /** Shared with the links to the shards, which break it in the moment they give a command up. */
  readonly #state: LaneState = { isBroken: false };
  #last: Promise<void> = Promise.resolve();
  #failure: DomainError | undefined;

  get failure(): DomainError | undefined {
    return this.#failure;
  }

  /** The first failure counts; later ones follow from it. */
  breakWith(failure: DomainError): void {
    this.#failure ??= failure;
    this.#state.isBroken = true;
  }

  /** The turn after all that were handed out before. */
  next(): Turn {
    const before = this.#last;
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    // A command that ends early, refused by its reserve, must not let its successor past its predecessor.
    this.#last = before.then(() => left);
    return {
      lane: this.#state,
      leave,
      enter: async () => {
        await before;
        // The reserve may have been sent by now; whoever enters knows and says so.
        if (this.#failure !== undefined)
          throw new DomainError("SHARD_UNAVAILABLE", { cause: this.#failure.reason });
      },
    };
  }
}

/** Results in the order of their commands, and the bound on how many are unanswered. */
class Results<R> {
  readonly #max: number;
  readonly #queue: Promise<EntryResult<R>>[] = [];
  #unanswered = 0;
  #hasEnded = false;
  #isClosed = false;
  #wakeTaker = () => {};
  #wakeReader = () => {};

  constructor(max: number) {
    this.#max = max;
  }

  /** True when every result so far was taken. */
  get areTaken(): boolean {
    return this.#queue.length === 0;
  }

  add(result: Promise<EntryResult<R>>): void {
    this.#queue.push(result);
    this.#unanswered += 1;
    this.#wakeTaker();
  }

  /** No more results will be added. */
  end(): void {
    this.#hasEnded = true;
    this.#wakeTaker();
  }

  /** Nobody takes results any more. */
  close(): void {
    this.#isClosed = true;
    this.#wakeReader();
  }

  /** The oldest result that was not taken, once it is there; undefined after the last. */
  async take(): Promise<EntryResult<R> | undefined> {
    this.#unanswered = this.#queue.length;
    this.#wakeReader();
    while (this.#queue.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wakeTaker = resolve;
      });
    }
    return this.#queue.shift();
  }

  /** Resolves when another command may begin. */
  async room(): Promise<void> {
    while (this.#unanswered >= this.#max && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }
}
