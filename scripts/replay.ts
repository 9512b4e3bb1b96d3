// npm run replay -- <folder> [--against <home or host:port>]: recorded order flow through the public
// API of an exchange, and the verdict: did exactly the right trades come of it?
import { parseArgs } from "node:util";
import { homeFolder } from "@bourse/local/home.js";
import { generatedSet } from "./replay/generated.js";
import { startProgress } from "./replay/progress.js";
import { introduction, reportLines } from "./replay/report.js";
import { prepare, runReplay } from "./replay/run.js";
import { loadSet, type ReplaySet } from "./replay/set.js";
import { openTarget } from "./replay/target.js";

const usage = `usage: npm run replay -- <folder> [options]
       npm run replay -- --seed <number> [--commands <number>] [options]

Replays order flow and exits with 0 only if everything that came of it is right.

  --against <home | host:port>  the exchange to use; without it one is started and removed
  --keys <home>                 whose keys sign the tokens for host:port (BOURSE_HOME, else .bourse)
  --rate <number>               commands a second; without it as fast as answers come
  --window <number>             unanswered commands at most (256)
  --shard <number>              shard of the market that is made for the run (0)
  --seed <number>               replay a generated set instead of a folder
  --commands <number>           how many commands it has (5,000)`;

function parseCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(0|[1-9][0-9]{0,8})$/.test(text)) throw new Error(`--${name}: not a number: ${text}\n\n${usage}`);
  return Number(text);
}

function parseCommandLine() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      against: { type: "string" },
      keys: { type: "string" },
      rate: { type: "string" },
      window: { type: "string" },
      shard: { type: "string" },
      seed: { type: "string" },
      commands: { type: "string" },
      help: { type: "boolean" },
    },
  });
  const seed = parseCount("seed", values.seed);
  const isComplete = (positionals.length === 1) !== (seed !== undefined);
  if (values.help !== true && !isComplete) throw new Error(usage);
  return {
    folder: positionals[0],
    seed,
    isHelp: values.help === true,
    commands: parseCount("commands", values.commands) ?? 5_000,
    against: values.against,
    keys: values.keys ?? homeFolder(),
    rate: parseCount("rate", values.rate),
    windowMax: Math.max(1, parseCount("window", values.window) ?? 256),
    shard: parseCount("shard", values.shard) ?? 0,
  };
}

async function main(): Promise<boolean> {
  const options = parseCommandLine();
  if (options.isHelp) {
    console.log(usage);
    return true;
  }
  const set: ReplaySet =
    options.folder === undefined
      ? await generatedSet(options.seed ?? 0, options.commands)
      : loadSet(options.folder);
  // Refused before anything is started.
  prepare(set);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const target = await openTarget({
    against: options.against,
    home: options.keys,
    onProgress: (text) => console.error(text),
  });
  try {
    const progress = startProgress(set.commands.length);
    const report = await runReplay({
      set,
      target,
      shard: options.shard,
      windowMax: options.windowMax,
      rate: options.rate,
      signal: stop.signal,
      onReady: (about) => console.log(introduction(set, about).join("\n")),
      onProgress: progress.at,
      onFault: progress.note,
    }).finally(progress.end);
    console.log(reportLines(report).join("\n"));
    return report.isPassed;
  } finally {
    await target.close();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
