import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { describe, expect, test } from "vitest";
import type { CancelAll, Switch } from "../io/shard-control.js";
import { flowMesh, SHARD_MS, USER } from "../testing/flow-mesh.js";
import { cancelAllAfter, cancelAllOrders } from "./cancel-all.js";
import type { CallContext } from "./mesh.js";

const context: CallContext = { userId: USER, deadlineMs: 60_000, tier: "basic", traceparent: "" };
const everything = { userId: "", symbol: "", side: "", requestId: "" } as const;

/** Two shards: BTC/USDT on 1, ETH/USDT on 2, and ODD/USDT on both by mistake. */
function meshOf(failures: Readonly<Record<number, DomainError>> = {}, closed: readonly number[] = []) {
  const cancels: { shard: number; command: CancelAll; expiresAtMs: number }[] = [];
  const switches: { shard: number; set: Switch }[] = [];
  const acknowledged: string[] = [];
  const markets: Readonly<Record<string, number[]>> = {
    "": [1, 2],
    "BTC/USDT": [1],
    "ETH/USDT": [2],
    "ODD/USDT": [1, 2],
  };
  const failing = (shard: number) => {
    const failure = failures[shard];
    if (failure !== undefined) throw failure;
  };
  const mesh = flowMesh({
    shards: {
      shardsOf: (symbol) => {
        const shards = markets[symbol];
        if (shards === undefined) throw new DomainError("SYMBOL_NOT_FOUND", { field: "symbol" });
        return shards;
      },
      checkOpen: (shard) => {
        if (closed.includes(shard)) throw new DomainError("SHARD_UNAVAILABLE");
      },
      heardMs: () => new Map([1, 2].map((shard) => [shard, SHARD_MS * shard])),
      cancelAll: async (shard, command, { expiresAtMs }) => {
        cancels.push({ shard, command, expiresAtMs });
        failing(shard);
        return { cancelled: shard * 10, seq: 5 };
      },
      setSwitch: async (shard, set) => {
        switches.push({ shard, set });
        failing(shard);
        return set.timeoutMs === 0 ? 0 : shard * 1_000 + set.timeoutMs;
      },
    },
  });
  const watched = {
    ...mesh,
    acknowledged: (user: string, shard: number) => acknowledged.push(`${user} ${shard}`),
  };
  return { mesh: watched, cancels, switches, acknowledged };
}

async function failureOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DomainError)) throw new Error("expected a failure", { cause: error });
  const { outcome, request_id: key = "", cancelled = "" } = error.facts;
  return `${error.reason}/${outcome} ${key} ${cancelled}`.trim();
}

describe("cancel all", () => {
  test("asks every shard under one key, each in its own time", async () => {
    const { mesh, cancels, acknowledged } = meshOf();
    expect(await cancelAllOrders(mesh, everything, context)).toEqual({ cancelled: 30, requestId: "minted" });
    const command = { userId: USER, operatorId: "", requestId: "minted", symbol: "", side: "" };
    expect(cancels).toEqual([
      { shard: 1, command, expiresAtMs: SHARD_MS + 15_000 },
      { shard: 2, command, expiresAtMs: 2 * SHARD_MS + 15_000 },
    ]);
    expect(acknowledged).toEqual(["user 1", "user 2"]);
  });

  test("of another user is an operator's word, and refused to all others before anything is done", async () => {
    const { mesh, cancels, acknowledged } = meshOf();
    const theirs = { ...everything, userId: "Other" };
    expect(await failureOf(cancelAllOrders(mesh, theirs, context))).toBe("INSUFFICIENT_SCOPE/NOT_ATTEMPTED");
    expect(cancels).toEqual([]);
    const operator = { ...context, operatorId: "op", userId: "op" };
    await cancelAllOrders(mesh, theirs, operator);
    expect(cancels[0]?.command).toMatchObject({ userId: "other", operatorId: "op" });
    expect(acknowledged).toEqual(["other 1", "other 2"]);
    // Naming oneself is no operator's word.
    await cancelAllOrders(mesh, { ...everything, userId: "op" }, operator);
    await cancelAllOrders(mesh, { ...everything, userId: USER }, context);
    expect(cancels[2]?.command).toMatchObject({ userId: "op", operatorId: "" });
    expect(cancels[4]?.command).toMatchObject({ userId: USER, operatorId: "" });
  });

  test("of one market asks its shard, or both that name it", async () => {
    const { mesh, cancels } = meshOf();
    await cancelAllOrders(
      mesh,
      { ...everything, symbol: "ETH/USDT", side: "SELL", requestId: "mine" },
      context,
    );
    expect(cancels).toMatchObject([
      { shard: 2, command: { symbol: "ETH/USDT", side: "SELL", requestId: "mine" } },
    ]);
    await cancelAllOrders(mesh, { ...everything, symbol: "ODD/USDT" }, context);
    expect(cancels.slice(1).map(({ shard }) => shard)).toEqual([1, 2]);
  });

  test.each<[string, Parameters<typeof meshOf>, string]>([
    [
      "a shard that is known to be away is said before anything is done",
      [{}, [2]],
      "SHARD_UNAVAILABLE/NOT_ATTEMPTED minted",
    ],
    [
      "one shard that fails leaves the whole in doubt",
      [{ 2: new DomainError("SHARD_UNAVAILABLE") }],
      "SHARD_UNAVAILABLE/UNKNOWN minted 10",
    ],
    [
      "a refusal of one after the other did its part too",
      [{ 1: new DomainError("REQUEST_ID_REUSED") }],
      "REQUEST_ID_REUSED/NOT_ACCEPTED minted 20",
    ],
    [
      "a refusal of all means that nothing was done",
      [{ 1: new DomainError("REQUEST_ID_REUSED"), 2: new DomainError("REQUEST_ID_REUSED") }],
      "REQUEST_ID_REUSED/NOT_ATTEMPTED minted 0",
    ],
    [
      "what is in doubt is asked again before a refusal counts",
      [{ 1: new DomainError("REQUEST_ID_REUSED"), 2: new DomainError("SHARD_UNAVAILABLE") }],
      "SHARD_UNAVAILABLE/UNKNOWN minted 0",
    ],
  ])("%s", async (_, [failures, closed], verdict) => {
    const { mesh } = meshOf(failures, closed);
    expect(await failureOf(cancelAllOrders(mesh, everything, context))).toBe(verdict);
  });

  test("an unknown market and a deadline that passed are refused at once", async () => {
    const { mesh, cancels } = meshOf();
    const unknown = cancelAllOrders(mesh, { ...everything, symbol: "X/Y" }, context);
    expect(await failureOf(unknown)).toBe("SYMBOL_NOT_FOUND/NOT_ATTEMPTED minted");
    const late = cancelAllOrders(mesh, everything, { ...context, deadlineMs: 50_000 });
    expect(await failureOf(late)).toBe("DEADLINE_EXCEEDED/NOT_ATTEMPTED minted");
    expect(cancels).toEqual([]);
  });
});

describe("the dead-man switch", () => {
  test("of all markets goes to every shard and fires when the first of them does", async () => {
    const { mesh, switches } = meshOf();
    expect(await cancelAllAfter(mesh, { symbols: [], timeoutMs: 500 }, context)).toBe(1_500);
    const set = { userId: USER, symbols: [], timeoutMs: 500 };
    expect(switches).toEqual([1, 2].map((shard) => ({ shard, set })));
  });

  test("of some markets goes to their shards, each with its own", async () => {
    const { mesh, switches } = meshOf();
    const symbols = ["ETH/USDT", "BTC/USDT", "ETH/USDT"];
    await cancelAllAfter(mesh, { symbols, timeoutMs: 500 }, context);
    expect(switches.map(({ shard, set }) => [shard, set.symbols])).toEqual([
      [2, ["ETH/USDT"]],
      [1, ["BTC/USDT"]],
    ]);
  });

  test("disabled it has no time", async () => {
    const { mesh } = meshOf();
    expect(await cancelAllAfter(mesh, { symbols: [], timeoutMs: 0 }, context)).toBeUndefined();
  });

  test("one shard that fails leaves the whole in doubt", async () => {
    const { mesh } = meshOf({ 1: new DomainError("DEADLINE_EXCEEDED") });
    const set = cancelAllAfter(mesh, { symbols: [], timeoutMs: 500 }, context);
    expect(await failureOf(set)).toBe("DEADLINE_EXCEEDED/UNKNOWN");
    const none = cancelAllAfter(mesh, { symbols: ["X/Y"], timeoutMs: 500 }, context);
    expect(await failureOf(none)).toBe("SYMBOL_NOT_FOUND/NOT_ATTEMPTED");
  });
});
