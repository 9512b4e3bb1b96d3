import { expect, test } from "vitest";
import { pipelined } from "./pipelined.js";

/** A source that is fed by hand and answers that are given by hand. */
function stage(options: { inFlightMax?: number; ready?: () => Promise<void> } = {}) {
  const begun: number[] = [];
  const finish = new Map<number, (answer: string) => void>();
  const fail = new Map<number, (error: Error) => void>();
  const handle = (request: number) => {
    begun.push(request);
    return new Promise<string>((resolve, reject) => {
      finish.set(request, resolve);
      fail.set(request, reject);
    });
  };
  const ready = options.ready ?? (() => Promise.resolve());
  return { begun, finish, fail, options: { ready, handle, inFlightMax: options.inFlightMax ?? 10 } };
}

async function* counting(to: number) {
  for (let request = 1; request <= to; request += 1) yield request;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("answers come in the order of the requests, whichever is done first", async () => {
  const { begun, finish, options } = stage();
  const answers = pipelined(counting(3), options);
  const first = answers.next();
  await turn();
  expect(begun).toEqual([1, 2, 3]);
  for (const request of [3, 2, 1]) finish.get(request)?.(`answer ${request}`);
  expect(await first).toEqual({ done: false, value: "answer 1" });
  expect(await answers.next()).toEqual({ done: false, value: "answer 2" });
  expect(await answers.next()).toEqual({ done: false, value: "answer 3" });
  expect(await answers.next()).toEqual({ done: true, value: undefined });
});

test("no more is read while too many answers are outstanding", async () => {
  const { begun, finish, options } = stage({ inFlightMax: 2 });
  const answers = pipelined(counting(5), options);
  const first = answers.next();
  await turn();
  expect(begun).toEqual([1, 2]);
  finish.get(1)?.("one");
  await first;
  await turn();
  expect(begun).toEqual([1, 2, 3]);
});

test("a request begins only when there is room, and none overtakes the one that waits", async () => {
  let open = () => {};
  const { begun, options } = stage({
    ready: () =>
      new Promise<void>((resolve) => {
        open = resolve;
      }),
  });
  const answers = pipelined(counting(2), options);
  void answers.next();
  await turn();
  expect(begun).toEqual([]);
  open();
  await turn();
  expect(begun).toEqual([1]);
});

test("a request that fails ends the stream at its place", async () => {
  const { finish, fail, options } = stage();
  const answers = pipelined(counting(2), options);
  const first = answers.next();
  await turn();
  fail.get(2)?.(new Error("second"));
  finish.get(1)?.("one");
  expect((await first).value).toBe("one");
  await expect(answers.next()).rejects.toThrow("second");
});

test("input that fails is told after the answers to what came before", async () => {
  const { finish, options } = stage();
  async function* broken() {
    yield 1;
    throw new Error("cut");
  }
  const answers = pipelined(broken(), options);
  const first = answers.next();
  await turn();
  finish.get(1)?.("one");
  expect((await first).value).toBe("one");
  await expect(answers.next()).rejects.toThrow("cut");
});
