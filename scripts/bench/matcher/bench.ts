// What every figure of the matcher's bench needs: flows as files, a folder on the disk of this checkout, and
// processes of the matcher's own.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { extname, join } from "node:path";
import { repoRoot } from "../../audit/repo-root.js";
import { deep, type FlowShape, makeFlow, realistic } from "./flow.js";
import { readFlow, writeFlow } from "./flow-file.js";
import { type Totals, totalsOf } from "./plain-book.js";
import { type Player, startModule } from "./player.js";

/** A flow that lies in a file, and what every core must come to with it. */
export interface FlowFile {
  readonly path: string;
  readonly count: number;
  readonly totals: Totals;
}

export interface Bench {
  /** The flow that was given, else the realistic one of our own. */
  readonly flow: FlowFile;
  /** Ten times as many orders rest. */
  deepFlow(): FlowFile;
  /** Progress, for whoever waits. */
  say(text: string): void;
  /** A fresh folder on the same disk as the checkout; gone at the end. */
  folder(): string;
  /** Starts a module of services/matcher/src/testing/bench. */
  start(name: string, module: string, args: readonly string[], nodeArgs?: readonly string[]): Promise<Player>;
  close(): void;
}

export function openBench(options: { readonly flow: string | undefined }): Bench {
  const home = join(repoRoot(), ".bourse", "bench");
  mkdirSync(home, { recursive: true });
  const run = mkdtempSync(join(home, "run-"));
  const say = (text: string) => console.error(`bench  ${text}`);
  let deepMade: FlowFile | undefined;
  return {
    flow: options.flow === undefined ? made(run, "realistic", realistic) : given(options.flow),
    deepFlow() {
      deepMade ??= made(run, "deep", deep);
      return deepMade;
    },
    say,
    folder: () => mkdtempSync(join(run, "matcher-")),
    start: (name, module, args, nodeArgs = []) =>
      startModule(name, `@bourse/matcher/testing/bench/${module}.js`, args, nodeArgs),
    close: () => rmSync(run, { recursive: true, force: true }),
  };
}

/** Whether this runs compiled (".js") or from its sources (".ts"): processes are started likewise. */
export const extension = extname(import.meta.url);

function made(folder: string, name: string, shape: FlowShape): FlowFile {
  const flow = makeFlow(shape);
  const path = join(folder, `${name}.bin`);
  writeFlow(path, flow);
  return { path, count: flow.count, totals: totalsOf(flow) };
}

function given(path: string): FlowFile {
  const flow = readFlow(path);
  return { path, count: flow.count, totals: totalsOf(flow) };
}
