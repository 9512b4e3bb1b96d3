// New markets of the settings file, made while the shard runs.
//
// The file is looked at, not watched: a ConfigMap volume changes by a symbolic link that points elsewhere, an
// editor writes in place or renames, and no notification covers both on every file system, so there would have
// to be a slow look beside it. The kubelet takes up to a minute to bring a change; two seconds more are nothing,
// and reading a file of some kilobytes costs a tenth of a millisecond.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { ConfigError } from "@bourse/shared/runtime/config.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { Market } from "../core/types.js";
import { newMarkets } from "./recover.js";
import type { Sequencer } from "./sequence.js";

export interface WatchCatalogueOptions {
  readonly number: number;
  readonly sequencer: Pick<Sequencer, "query" | "addMarket">;
  /** Text of the file from before `catalogue` was read: a change since then is not missed. */
  readonly text: string | undefined;
  /** Markets of all shards as the settings listed them at the start. */
  readonly catalogue: readonly Market[];
  readonly readText: () => Promise<string | undefined>;
  /** Reads the settings anew; throws a ConfigError with every mistake. */
  readonly readCatalogue: () => readonly Market[];
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told after each change of the file whether it cannot work. */
  readonly onRead: (isRefused: boolean) => void;
}

/**
 * Makes the markets of this shard that a changed file adds, until the signal aborts. A file that cannot work
 * changes nothing and is logged once; a restart would be refused with the same mistakes. What else changes in
 * the file waits for the next start.
 */
export async function watchCatalogue(options: WatchCatalogueOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, onRead } = options;
  let { text, catalogue } = options;
  for (;;) {
    await clock.sleep(options.everyMs, signal);
    if (signal.aborted) return;
    const textNow = await options.readText();
    if (textNow === text) continue;
    // Noted before the content is read: what changes in between is met at the next look.
    text = textNow;
    try {
      catalogue = await takeOver(options, catalogue);
      onRead(false);
    } catch (error) {
      const { mistakes } = mistakesOf(error);
      onRead(true);
      log.error({ mistakes }, "the changed settings cannot work: no market is added, none changes");
    }
  }
}

/** Adds what is new in the file; resolves with its markets when all of them are durable. */
async function takeOver(
  { number, sequencer, readCatalogue, log }: WatchCatalogueOptions,
  before: readonly Market[],
): Promise<readonly Market[]> {
  const catalogue = readCatalogue();
  refuseMoves(before, catalogue);
  const differing: { symbol: string; key: string }[] = [];
  const { value: added } = await sequencer.query((shard) =>
    newMarkets(shard, catalogue, (symbol, key) => differing.push({ symbol, key })),
  );
  for (const facts of differing)
    log.warn(facts, "the journal's word on a market holds, the settings say otherwise");
  for (const symbol of vanished(number, before, catalogue))
    log.warn({ symbol }, "a market left the settings: it goes on, the journal's word holds");
  for (const market of added) {
    await sequencer.addMarket(market);
    log.info({ symbol: market.symbol }, "market added");
  }
  return catalogue;
}

/**
 * A market on two shards would be two books under one name. The shard that has it refuses the move by its
 * journal; the one that it would move to knows it only from the settings before.
 */
function refuseMoves(before: readonly Market[], catalogue: readonly Market[]): void {
  const shards = new Map(before.map(({ symbol, shard }) => [symbol, shard]));
  const mistakes = catalogue.flatMap(({ symbol, shard }, index) => {
    const known = shards.get(symbol) ?? shard;
    if (known === shard) return [];
    return [`markets.${index}.shard: ${symbol} has ${known} for ever, not ${shard}`];
  });
  if (mistakes.length > 0) throw new ConfigError(mistakes);
}

/** Symbols of a shard that were listed before and are no more. */
function vanished(number: number, before: readonly Market[], catalogue: readonly Market[]): string[] {
  const listed = new Set(catalogue.map(({ symbol }) => symbol));
  return before
    .filter(({ shard, symbol }) => shard === number && !listed.has(symbol))
    .map(({ symbol }) => symbol);
}

function mistakesOf(error: unknown): { readonly mistakes: readonly string[] } {
  if (error instanceof ConfigError) return error;
  // An operator made another market under the symbol in the same moment.
  if (error instanceof DomainError) return { mistakes: [`markets: ${error.facts.symbol}: ${error.message}`] };
  throw error;
}
