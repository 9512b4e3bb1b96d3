// The rules of DESIGN.md §2, each broken in a test build of a process, and what makes the break show.
import type { Substitution } from "@bourse/local/testing/planted.js";
import type { ChaosExchange } from "../chaos/exchange.js";
import { type Fault, HOPS, type Hop } from "../chaos/plan.js";
import { refuseTrades, settleAsZombie } from "./acts.js";

export interface PlantedBug {
  /** Number of the rule in DESIGN.md §2. */
  readonly rule: number;
  readonly text: string;
  /** Modules that are replaced, by process. */
  readonly planted: Readonly<Record<string, readonly Substitution[]>>;
  /** Settings under which it shows; without the bug they do no harm. */
  readonly env?: Readonly<Record<string, string>>;
  readonly faults: readonly Fault[];
  readonly act?: (exchange: ChaosExchange) => Promise<void>;
  /** A breach of audit or reconciliation that names what went wrong. */
  readonly caughtBy: RegExp;
}

const way = (from: string, to: string): Hop => {
  const hop = HOPS.find((each) => each.from === from && each.to === to);
  if (hop === undefined) throw new Error(`no way from ${from} to ${to}`);
  return hop;
};
const kill = (target: string, atMs: number): Fault => ({ kind: "kill", target, atMs, forMs: 100 });
const stand = (original: string, planted: string, ...names: string[]): Substitution => ({
  original,
  planted,
  names,
});

const releaseAnything = stand(
  "wallet/flow/release",
  "wallet/testing/planted/release-anything",
  "releaseReservation",
);

export const BUGS: readonly PlantedBug[] = [
  {
    rule: 1,
    text: "the order is submitted before its money is reserved",
    planted: {
      "order-gateway": [
        stand("order-gateway/io/wallet-client", "order-gateway/testing/planted/reserve-later", "openWallet"),
      ],
    },
    faults: [kill("order-gateway", 2_000)],
    caughtBy: /^I11:|^I34: .* was refused by the wallet, and is in the journal/,
  },
  {
    rule: 2,
    text: "the gateway frees the money of an order whose outcome it does not know",
    planted: {
      "order-gateway": [
        stand("order-gateway/io/wallet-client", "order-gateway/testing/planted/known-wallet", "openWallet"),
        stand(
          "order-gateway/flow/place-order",
          "order-gateway/testing/planted/release-when-unknown",
          "placeOrder",
        ),
      ],
      wallet: [releaseAnything],
    },
    faults: [
      {
        kind: "silent",
        hop: way("order-gateway", "matcher-0"),
        swallows: "answers",
        atMs: 1_000,
        forMs: 4_500,
      },
    ],
    caughtBy: /^I11:/,
  },
  {
    rule: 3,
    text: "a shard answers before its record is written",
    planted: {
      "matcher-0": [stand("matcher/flow/flusher", "matcher/testing/planted/answer-early", "createFlusher")],
      "matcher-1": [stand("matcher/flow/flusher", "matcher/testing/planted/answer-early", "createFlusher")],
    },
    faults: [kill("matcher-0", 2_000), kill("matcher-1", 2_500), kill("matcher-0", 4_500)],
    caughtBy: /^I34: .*acknowledged|^told: .*(?:in no journal|told true, journaled false|none is journaled)/,
  },
  {
    rule: 4,
    text: "an order's id does not follow from what the client meant",
    planted: {
      "order-gateway": [stand("shared/ids", "order-gateway/testing/planted/any-order-id", "orderIdOf")],
    },
    faults: [],
    caughtBy: /^I33:/,
  },
  {
    rule: 5,
    text: "the end of what the wallet never saw leaves no CLOSED row",
    planted: {
      wallet: [stand("wallet/io/reservations", "wallet/testing/planted/no-tombstones", "insertTombstones")],
    },
    faults: [],
    caughtBy: /^I11: leg .* has no reservation/,
  },
  {
    rule: 6,
    text: "an orphan is swept by its age, its shard is not asked",
    planted: {
      settler: [
        stand("wallet/io/wallet-client", "wallet/testing/planted/known-wallet", "createWalletClient"),
        stand("wallet/flow/sweep", "wallet/testing/planted/sweep-without-asking", "sweepForever"),
      ],
      wallet: [releaseAnything],
    },
    // Every order is an orphan for a moment. Asked, its shard writes tombstones, and clients are told.
    env: { BOURSE__SETTLER__ORPHAN_AGE_MS: "1", BOURSE__SETTLER__SWEEP_EVERY_MS: "50" },
    faults: [{ kind: "delay", hop: way("order-gateway", "matcher-0"), ms: 300, atMs: 500, forMs: 3_000 }],
    caughtBy: /^I11:/,
  },
  {
    rule: 7,
    text: "cursor and money move in two transactions",
    planted: { wallet: [stand("wallet/io/cursors", "wallet/testing/planted/cursor-apart", "moveCursor")] },
    faults: [
      { kind: "commit", hop: way("wallet", "postgres"), cut: "before", times: 12, atMs: 1_000, forMs: 3_000 },
      kill("wallet", 4_500),
    ],
    caughtBy: /^I6: trade .* is not settled|^I11:/,
  },
  {
    rule: 8,
    text: "a settlement that cannot be applied is skipped",
    planted: {
      wallet: [stand("wallet/flow/settle", "wallet/testing/planted/skip-impossible", "settleBatch")],
    },
    faults: [],
    act: refuseTrades,
    caughtBy: /^I6: trade .* is not settled/,
  },
  {
    rule: 9,
    text: "a settlement of an earlier epoch is taken",
    planted: { wallet: [stand("wallet/io/cursors", "wallet/testing/planted/any-epoch", "moveCursor")] },
    faults: [kill("matcher-0", 500)],
    act: settleAsZombie,
    caughtBy: /^I11:|^I6:|^I14:/,
  },
];
