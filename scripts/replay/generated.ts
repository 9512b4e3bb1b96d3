// A set made on the spot from a seed, for a replay without files of its own.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { calmFlow } from "@bourse/shared/testing/order-flow.js";
import { loadSet, type ReplaySet } from "./set.js";
import { makeSet } from "./sets-of-ours.js";

/** Makes and reads a set of `commands` commands; it goes through files like any other. */
export async function generatedSet(seed: number, commands: number): Promise<ReplaySet> {
  const folder = await mkdtemp(join(tmpdir(), "bourse-replay-set-"));
  try {
    const files = makeSet({
      name: `seed-${seed}`,
      title: `seed ${seed}`,
      seed,
      seeds: 100,
      commands,
      shape: calmFlow,
      tickDecimals: 2,
      lotDecimals: 5,
      priceDecimalsPrinted: 2,
      quantityDecimalsPrinted: 5,
    });
    for (const [name, text] of files) {
      const isPlain = name.endsWith(".json");
      await writeFile(join(folder, isPlain ? name : `${name}.gz`), isPlain ? text : gzipSync(text));
    }
    return loadSet(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
