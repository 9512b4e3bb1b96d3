import { count, port, processSettings, text, whole } from "@bourse/shared/runtime/config.js";
import { TIERS } from "@bourse/shared/units/tiers.js";
import { z } from "zod";

const bps = () => whole().pipe(z.int().min(0).max(1_000_000));
const feePpm = () => whole().pipe(z.int().min(0).max(999_999));

/** Rates of one tier of users. None is below zero: nothing pays for a rebate. */
const feeTierSettings = z.strictObject({
  tier: z.enum(TIERS).describe("tier of the access token: basic, plus, pro or unlimited"),
  makerFeePpm: feePpm().describe("fee of the resting order"),
  takerFeePpm: feePpm().describe("fee of the incoming order"),
});

/** One market of the catalogue. Each matcher takes those of its shard. */
const marketSettings = z.strictObject({
  symbol: text().describe("base and quote asset, for example BTC/USDT; never changes"),
  baseAsset: text().describe("asset that is bought and sold; never changes"),
  quoteAsset: text().describe("asset that is paid with; never changes"),
  shard: whole().pipe(z.int().min(0)).describe("shard that owns the book; never changes"),
  tickSize: text().describe("price step in the quote asset, decimal text; never changes"),
  lotSize: text().describe("quantity step in the base asset, decimal text; never changes"),
  minQuantity: text().default("0").describe("smallest order in the base asset, decimal text"),
  maxQuantity: text().default("0").describe("largest order in the base asset; 0 is no limit"),
  minNotional: text().default("0").describe("smallest price × quantity in the quote asset; 0 is no limit"),
  protectionBps: bps()
    .default(500)
    .describe("how far a MARKET order may trade from the reference price, 1 to 1000000"),
  bandBps: bps().default(0).describe("how far a limit price may lie from the last trade; 0 is no band"),
  openOrdersMax: whole()
    .pipe(z.int().min(0))
    .default(0)
    .describe("resting orders and waiting stops of one user; 0 is no limit"),
  makerFeePpm: feePpm()
    .default(0)
    .describe("fee of the resting order, parts per million of what it receives"),
  takerFeePpm: feePpm().default(0).describe("fee of the incoming order"),
  feeTiers: z
    .array(feeTierSettings)
    .default([])
    .describe("fees of user tiers that pay other than makerFeePpm and takerFeePpm"),
  state: z
    .enum(["TRADING", "POST_ONLY", "CANCEL_ONLY", "HALTED"])
    .default("TRADING")
    .describe("what a new market accepts"),
  sessionEndMinutes: whole()
    .pipe(z.int().min(0).max(1_439))
    .default(0)
    .describe("when DAY orders end, in minutes after 00:00 UTC"),
});

/** Settings of a matcher: section `matcher`, the market catalogue, and what all processes share. */
export const matcherSettings = {
  section: "matcher",
  shared: ["log", "tracing", "tls", "markets"],
  schema: z.object({
    ...processSettings,
    markets: z
      .array(marketSettings)
      .default([])
      .describe("markets that exist from the first start on")
      .superRefine((markets, context) => {
        const symbols = markets.map(({ symbol }) => symbol);
        if (new Set(symbols).size !== symbols.length) {
          context.addIssue({ code: "custom", message: "a market is named twice" });
        }
      }),
    shard: whole().pipe(z.int().min(0).max(65_535)).default(0).describe("number of the shard"),
    dataDir: text()
      .optional()
      .describe("directory of the shard's journal; .bourse/matcher-<shard> when absent"),
    grpcPort: port().optional().describe("port of the gRPC server; 50060 + shard when absent"),
    adminPort: port().optional().describe("port of health and metrics; 9100 + shard when absent"),
    segmentBytes: whole()
      .pipe(
        z
          .int()
          .min(64 * 1024)
          .max(1024 ** 3),
      )
      .default(64 * 1024 * 1024)
      .describe("bytes of a journal file, zeroed ahead"),
    snapshotEveryRecords: count()
      .default(250_000)
      .describe("records after which a snapshot is made, beside the shard"),
    retentionHours: count()
      .default(168)
      .describe("hours that records are kept at least, also when snapshots and followers are past them"),
    followers: z
      .array(text())
      .default(["wallet", "projector"])
      .describe("followers that must report a position in the journal before the shard opens"),
    followerLagRecordsMax: count()
      .default(1_000_000)
      .describe("records that a named follower may be behind before new orders are refused"),
    waitingRecordsMax: count()
      .default(10_000)
      .describe("records that may wait for the flush before callers wait"),
    tailBytesMax: count()
      .default(4 * 1024 * 1024)
      .describe("bytes of the newest records kept in memory for readers"),
    eventBatchBytesMax: count()
      .default(256 * 1024)
      .describe("bytes of one message of an event stream"),
    eventReadersMax: count().default(64).describe("event streams at once"),
    readerStallMsMax: count()
      .default(60_000)
      .describe("milliseconds that a reader may take over one message"),
    watchEveryMs: count().default(20).describe("least milliseconds between two messages of WatchShard"),
    settingsReadEveryMs: count()
      .default(2_000)
      .describe("milliseconds between two looks whether the settings file lists new markets"),
    tickMs: count()
      .default(1_000)
      .describe("milliseconds after which time is journaled when nothing else is"),
  }),
} as const;
