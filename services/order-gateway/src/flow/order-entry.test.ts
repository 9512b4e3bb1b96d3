import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { describe, expect, test } from "vitest";
import type { Turn } from "./mesh.js";
import { type EntryCommand, type EntryResult, runOrderEntry } from "./order-entry.js";

/** A promise that the test settles. */
function gate<T>(): { promise: Promise<T>; open: (value: T) => void; fail: (error: unknown) => void } {
  let open: (value: T) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

/** A command whose reserve and answer the test decides about. */
function command(name: string, sent: string[]) {
  const reserve = gate<void>();
  const answer = gate<string>();
  const run: EntryCommand<string> = async ({ turn }) => {
    await reserve.promise;
    await (turn as Turn).enter();
    sent.push(name);
    turn?.leave();
    return answer.promise;
  };
  return { run, reserve, answer };
}

/** Commands pushed by hand. */
function channel<T>() {
  const items: T[] = [];
  let wake = () => {};
  let hasEnded = false;
  return {
    push(item: T) {
      items.push(item);
      wake();
    },
    end() {
      hasEnded = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        while (items.length > 0) yield items.shift() as T;
        if (hasEnded) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

const noDrain = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function collect(results: AsyncIterable<EntryResult<string>>) {
  const seen: string[] = [];
  try {
    for await (const result of results) {
      seen.push(
        result.type === "done"
          ? result.answer
          : `${result.error.reason}/${result.error.facts.outcome ?? "-"}`,
      );
    }
    return { seen, end: "OK" };
  } catch (error) {
    return { seen, end: (error as DomainError).reason };
  }
}

describe("commands of one stream", () => {
  test("reach their shards in the order sent, however their reserves end, and answer in that order", async () => {
    const sent: string[] = [];
    const commands = ["a", "b", "c"].map((name) => command(name, sent));
    const input = channel<EntryCommand<string>>();
    for (const { run } of commands) input.push(run);
    input.end();
    const collected = collect(runOrderEntry(input, { inFlightMax: 10, drain: noDrain }));

    commands[2]?.reserve.open();
    await settled();
    commands[1]?.reserve.open();
    await settled();
    expect(sent).toEqual([]);
    commands[0]?.reserve.open();
    await settled();
    expect(sent).toEqual(["a", "b", "c"]);
    for (const [index, { answer }] of [...commands.entries()].reverse()) answer.open(`answer ${index}`);
    expect(await collected).toEqual({ seen: ["answer 0", "answer 1", "answer 2"], end: "OK" });
  });

  test("a command refused early does not let its successor past its predecessor", async () => {
    const sent: string[] = [];
    const [first, last] = [command("first", sent), command("last", sent)];
    const refused: EntryCommand<string> = () =>
      Promise.reject(new DomainError("INSUFFICIENT_FUNDS", { outcome: "NOT_ACCEPTED" }));
    const input = channel<EntryCommand<string>>();
    for (const run of [first.run, refused, last.run]) input.push(run);
    input.end();
    const collected = collect(runOrderEntry(input, { inFlightMax: 10, drain: noDrain }));

    last.reserve.open();
    await settled();
    expect(sent).toEqual([]);
    first.reserve.open();
    await settled();
    expect(sent).toEqual(["first", "last"]);
    first.answer.open("first");
    last.answer.open("last");
    expect(await collected).toEqual({
      seen: ["first", "INSUFFICIENT_FUNDS/NOT_ACCEPTED", "last"],
      end: "OK",
    });
  });

  test("after one in doubt none is sent, all that were read are answered, and the stream ends with it", async () => {
    const sent: string[] = [];
    const [first, doubtful, later] = ["first", "doubtful", "later"].map((name) => command(name, sent));
    const input = channel<EntryCommand<string>>();
    for (const each of [first, doubtful, later]) if (each !== undefined) input.push(each.run);
    const collected = collect(runOrderEntry(input, { inFlightMax: 10, drain: noDrain }));

    await settled();
    first?.reserve.open();
    first?.answer.open("first");
    doubtful?.reserve.fail(new DomainError("OUTCOME_UNKNOWN", { outcome: "UNKNOWN" }));
    await settled();
    later?.reserve.open();
    // The input is still open: the stream ends all the same.
    expect(await collected).toEqual({
      seen: ["first", "OUTCOME_UNKNOWN/UNKNOWN", "SHARD_UNAVAILABLE/-"],
      end: "OUTCOME_UNKNOWN",
    });
    expect(sent).toEqual(["first"]);
  });

  test("a malformed command ends the stream after what was read before it", async () => {
    const sent: string[] = [];
    const good = command("good", sent);
    async function* input() {
      yield good.run;
      throw new DomainError("MALFORMED_REQUEST");
    }
    const collected = collect(runOrderEntry(input(), { inFlightMax: 10, drain: noDrain }));
    await settled();
    good.reserve.open();
    good.answer.open("good");
    expect(await collected).toEqual({ seen: ["good"], end: "MALFORMED_REQUEST" });
  });

  test("no more commands are read than may be unanswered", async () => {
    const sent: string[] = [];
    const commands = Array.from({ length: 5 }, (_, index) => command(`${index}`, sent));
    let read = 0;
    async function* input() {
      for (const { run } of commands) {
        read += 1;
        yield run;
      }
    }
    const collected = collect(runOrderEntry(input(), { inFlightMax: 2, drain: noDrain }));
    await settled();
    expect(read).toBe(2);
    commands[0]?.reserve.open();
    commands[0]?.answer.open("0");
    await settled();
    expect(read).toBe(3);
    for (const { reserve, answer } of commands.slice(1)) {
      reserve.open();
      answer.open("x");
    }
    expect((await collected).seen).toHaveLength(5);
  });

  test("a drain finishes what was read and says so", async () => {
    const drain = new AbortController();
    const sent: string[] = [];
    const one = command("one", sent);
    const input = channel<EntryCommand<string>>();
    input.push(one.run);
    const collected = collect(runOrderEntry(input, { inFlightMax: 2, drain: drain.signal }));
    await settled();
    drain.abort();
    input.end();
    one.reserve.open();
    one.answer.open("one");
    expect(await collected).toEqual({ seen: ["one"], end: "DRAINING" });
  });
});
