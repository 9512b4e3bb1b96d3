// A process that measures: each line on standard input asks for one run, one line of JSON answers it. So its
// compiled code stays warm between runs, and others can run in turn with it.
import { createInterface } from "node:readline";

/** Says that it is ready and answers until the input ends; a line is a name and its words. */
export async function serveLines(
  runs: Readonly<Record<string, (...words: string[]) => unknown>>,
): Promise<void> {
  const say = (answer: unknown) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const [name = "", ...words] = line.split(" ");
    const run = runs[name];
    say(run === undefined ? { unknown: name } : await run(...words));
  }
}

/** p50, p99 and p99.9 of measurements, which are sorted in place. */
export function percentilesOf(values: Float64Array): { p50: number; p99: number; p999: number } {
  values.sort();
  const at = (share: number) =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
