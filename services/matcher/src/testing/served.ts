// Matchers of a test over real gRPC: started on a folder of its own, closed with the test.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Record as WireRecord } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { afterEach, beforeEach } from "vitest";
import { withFolder } from "./journal-folder.js";
import { startMatcher, type TestMatcher } from "./matcher.js";

export interface Served {
  /** Folder of this test. */
  folder(): string;
  /** Starts a matcher on the test's folder or another; it is closed with the test. */
  start(folder?: string, options?: Parameters<typeof startMatcher>[1]): Promise<TestMatcher>;
  stop(matcher: TestMatcher): Promise<void>;
}

/** Gives each test of a file a folder. */
export function serveForTests(): Served {
  let folder = "";
  let done: () => void = () => {};
  let lifetime: Promise<void> = Promise.resolve();
  const running = new Set<TestMatcher>();
  beforeEach(async () => {
    folder = await new Promise<string>((resolve) => {
      lifetime = withFolder((made) => {
        resolve(made);
        return new Promise<void>((end) => {
          done = end;
        });
      });
    });
  });
  afterEach(async () => {
    for (const matcher of running) await matcher.close();
    running.clear();
    done();
    await lifetime;
  });
  return {
    folder: () => folder,
    async start(on = folder, options = {}) {
      const matcher = await startMatcher(on, options);
      running.add(matcher);
      return matcher;
    },
    async stop(matcher) {
      running.delete(matcher);
      await matcher.close();
    },
  };
}

/** Reason and facts of a call that fails. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ reason: string; facts: Readonly<Record<string, string>> }> {
  const error = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!(error instanceof DomainError)) throw new Error(`expected a failure, got ${String(error)}`);
  return error;
}

/** All records up to the end that the stream's header names. */
export async function records(
  { client }: TestMatcher,
  after = { afterSeq: 0n, afterEpoch: 0n },
): Promise<WireRecord[]> {
  const all: WireRecord[] = [];
  let endSeq = 0n;
  for await (const { kind } of client.streamEvents(after)) {
    if (kind.case === "header") endSeq = kind.value.endSeq;
    if (kind.case === "batch") all.push(...kind.value.records);
    if ((all.at(-1)?.seq ?? after.afterSeq) >= endSeq) break;
  }
  return all;
}
