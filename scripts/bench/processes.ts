// Memory and processor time of an exchange's processes, from /proc.
import { readdirSync, readFileSync } from "node:fs";
import type { Mesh } from "@bourse/local/mesh.js";

/** One process with everything it started. */
export interface Usage {
  readonly name: string;
  /** Proportional set size: shared pages count once in all. */
  readonly pssBytes: number;
  /** Processor time so far, of what has ended too. */
  readonly cpuMs: number;
}

/** Clock ticks a second in /proc; the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** What each part of the exchange uses now, PostgreSQL's children included. */
export function readUsage(mesh: Mesh): Usage[] {
  const children = childrenByParent();
  const names = ["postgres", ...mesh.running.processes.map(({ name }) => name)];
  return names.map((name) => {
    const pids = descendants(mesh.pid(name), children);
    return { name, pssBytes: sum(pids.map(pssBytes)), cpuMs: sum(pids.map(cpuMs)) };
  });
}

/** Processor time so far of a process and all that it started. */
export function cpuMsOf(pid: number): number {
  return sum(descendants(pid, childrenByParent()).map(cpuMs));
}

function descendants(pid: number, children: ReadonlyMap<number, readonly number[]>): number[] {
  const found = [pid];
  for (let at = 0; at < found.length; at += 1) found.push(...(children.get(found[at] ?? 0) ?? []));
  return found;
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(statFields(Number(entry))[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  return children;
}

/** Fields of /proc/<pid>/stat after the name: state, parent, ...; empty when the process is gone. */
function statFields(pid: number): string[] {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Of the process, and of those that it started and that have ended. */
function cpuMs(pid: number): number {
  const ticks = statFields(pid).slice(11, 15).map(Number);
  return (sum(ticks) * 1_000) / ticksPerSecond;
}

function pssBytes(pid: number): number {
  const kib = /^Pss:\s+(\d+) kB$/m.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`))?.[1];
  return Number(kib ?? 0) * 1_024;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
