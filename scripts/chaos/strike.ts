// Carries out the faults of a round and takes back what can be taken back.
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Mesh } from "@bourse/local/mesh.js";
import type { Fault, Hop } from "./plan.js";
import type { Supervisor } from "./supervisor.js";
import type { Ways } from "./ways.js";

/** What faults are carried out on. */
export interface Struck {
  readonly mesh: Mesh;
  readonly ways: Ways;
  readonly supervisor: Supervisor;
  /** Chooses messages of the past. */
  readonly random: () => number;
  /** Ends the waiting between faults. */
  readonly signal: AbortSignal;
}

/** Carries out all faults at their times; resolves when the last is over. What was killed may still be starting. */
export async function strike(struck: Struck, faults: readonly Fault[]): Promise<void> {
  await Promise.all(faults.map((fault) => strikeOne(struck, fault)));
}

// The time of a fault is part of its plan: nothing is waited for.
async function strikeOne(struck: Struck, fault: Fault): Promise<void> {
  const sleep = (ms: number) => pause(ms, undefined, { signal: struck.signal }).catch(() => undefined);
  await sleep(fault.atMs);
  if (struck.signal.aborted) return;
  const undo = await begin(struck, fault);
  await sleep(fault.forMs);
  undo();
}

type Undo = () => void;
const nothing: Undo = () => undefined;

/** Begins a fault; returns what ends it. */
async function begin(struck: Struck, fault: Fault): Promise<Undo> {
  switch (fault.kind) {
    case "pause":
      return pauseProcesses(struck.mesh, fault.target);
    case "kill":
    case "restart":
      await struck.mesh.kill(fault.target, fault.kind === "restart" ? "SIGQUIT" : "SIGKILL");
      return () => struck.supervisor.start(fault.target);
    case "repeat":
    case "hold":
    case "past":
      return beginOnMessages(struck, fault);
    default:
      return beginOnWay(struck, fault);
  }
}

type OnMessages = Extract<Fault, { readonly kind: "repeat" | "hold" | "past" }>;
type OnWay = Exclude<Extract<Fault, { readonly hop: Hop }>, OnMessages>;

function beginOnWay({ ways }: Struck, fault: OnWay): Undo {
  const { proxy } = ways.of(fault.hop);
  const open = () => proxy.set({ type: "open" });
  switch (fault.kind) {
    case "cut":
      proxy.cut();
      return nothing;
    case "delay":
      proxy.set({ type: "delayed", ms: fault.ms });
      return open;
    case "silent":
      proxy.set({ type: "silent", swallows: fault.swallows });
      return open;
    case "closed":
      proxy.set({ type: "closed" });
      return open;
    case "commit":
      proxy.set({ type: "commit", cut: fault.cut, times: fault.times });
      return open;
  }
}

function beginOnMessages({ random, ways }: Struck, fault: OnMessages): Undo {
  const { relay } = ways.of(fault.hop);
  if (fault.kind === "repeat") relay?.repeatNext(fault.count, fault.afterMs);
  else if (fault.kind === "hold") relay?.holdNext(fault.count, fault.ms);
  else relay?.repeatPast(fault.count, random);
  return nothing;
}

/** Stops a process, and the sessions of PostgreSQL with it; returns what lets them go on. */
function pauseProcesses(mesh: Mesh, name: string): Undo {
  const own = mesh.pid(name);
  // 0 would be this program's own process group.
  const pids = own === 0 ? [] : [own, ...(name === "postgres" ? childrenOf(own) : [])];
  const send = (signal: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // It is gone.
      }
    }
  };
  send("SIGSTOP");
  return () => send("SIGCONT");
}

/** Children of a process; none where the system does not tell. */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text
      .split(" ")
      .map(Number)
      .filter((child) => child > 0);
  } catch {
    return [];
  }
}
