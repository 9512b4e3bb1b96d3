// A journal as a shard writes it: two epochs, a market or two, random orders and cancels.
import { seededRandom } from "@bourse/shared/testing/random.js";
import { applyCommand } from "../core/apply.js";
import { decide } from "../core/decide.js";
import { createShard } from "../core/shard.js";
import type { Command, OrderCommand } from "../core/types.js";
import type { JournalEntry } from "../io/batch-encoder.js";
import { openJournal } from "../io/journal.js";
import { createRecordCodec } from "../record/record-codec.js";
import { optionsOf } from "./journal-folder.js";
import { cancel, market, submit, userId } from "./orders.js";

export const RULES = 2;

/** Writes so many commands and closes the journal. */
export async function writeShardJournal(
  folder: string,
  { commands, segmentBytes, seed = 1 }: { commands: number; segmentBytes: number; seed?: number },
): Promise<void> {
  const random = seededRandom(seed);
  const journal = await openJournal(optionsOf(folder, { segmentBytes }));
  for await (const _ of journal.replay());
  const codec = createRecordCodec(0);
  const shard = createShard(0);
  let pending: JournalEntry[] = [];
  const run = async (command: Command) => {
    const moment = { seq: shard.seq + 1, timeMs: 1_000 + shard.seq };
    const events = applyCommand(shard, moment, command);
    const head = { ...moment, epoch: shard.epoch, command, traceparent: "" };
    pending.push({ seq: moment.seq, epoch: shard.epoch, payload: codec.encode(shard, head, events) });
    if (pending.length < 7) return;
    const batch = pending;
    pending = [];
    await journal.append(batch);
  };
  const offer = async (command: OrderCommand) => {
    if (decide(shard, 1_000 + shard.seq, command).type === "apply") await run(command);
  };
  await run({ type: "startEpoch", epoch: 1, rules: RULES });
  await run({ type: "addMarket", market: market() });
  for (let number = 1; number <= commands; number += 1) {
    if (number === Math.floor(commands / 2)) await run({ type: "startEpoch", epoch: 2, rules: RULES });
    const owner = 1 + Math.floor(random() * 9);
    const side = random() < 0.5 ? "buy" : "sell";
    const priceTicks = 95 + Math.floor(random() * 10);
    const expiresAtMs = 1_000 + shard.seq + 30_000;
    const terms = {
      userId: userId(owner),
      side,
      priceTicks,
      quantityLots: 1 + Math.floor(random() * 5),
    } as const;
    await offer(submit(number, terms, expiresAtMs));
    if (random() < 0.3) await offer({ ...cancel(Math.max(1, number - 5)), userId: userId(owner) });
  }
  if (pending.length > 0) await journal.append(pending);
  await journal.close();
}
