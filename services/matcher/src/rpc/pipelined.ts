// Answers of a two-way stream in order, while the next requests are already at work.

export interface PipelineOptions<Q, A> {
  /** Resolves when another request may begin. Awaited before each one, so that none overtakes. */
  readonly ready: () => Promise<void>;
  readonly handle: (request: Q) => Promise<A>;
  /** Answers that may be outstanding before no more is read. */
  readonly inFlightMax: number;
}

/**
 * Begins `handle` for each request in the order in which they come and yields the answers in that order. A
 * caller that does not read its answers is slowed, not stored for.
 */
export async function* pipelined<Q, A>(
  requests: AsyncIterable<Q>,
  { ready, handle, inFlightMax }: PipelineOptions<Q, A>,
): AsyncGenerator<A> {
  const answers: Promise<A>[] = [];
  let isDone = false;
  let failure: { readonly error: unknown } | undefined;
  let wakeReader = () => {};
  let wakeWriter = () => {};
  const read = async () => {
    for await (const request of requests) {
      await ready();
      const answer = handle(request);
      // A failure is met where the answer is due; until then it is not unhandled.
      answer.catch(() => {});
      answers.push(answer);
      wakeWriter();
      while (answers.length >= inFlightMax && !isDone) {
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
      if (isDone) return;
    }
  };
  const reading = read()
    .catch((error: unknown) => {
      failure = { error };
    })
    .finally(() => {
      isDone = true;
      wakeWriter();
    });
  try {
    for (;;) {
      const [next] = answers;
      if (next !== undefined) {
        const answer = await next;
        void answers.shift();
        wakeReader();
        yield answer;
      } else if (isDone) {
        break;
      } else {
        await new Promise<void>((resolve) => {
          wakeWriter = resolve;
        });
      }
    }
    await reading;
    if (failure !== undefined) throw failure.error;
  } finally {
    isDone = true;
    wakeReader();
  }
}
