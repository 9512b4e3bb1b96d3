// Which process a recorded pid meant. A pid alone is reused by the system, so a record also keeps
// when the process started; both together name one process for as long as the machine is up.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** One process of this machine. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the system's own words; empty when the system does not tell. */
  readonly started: string;
}

/** The identity of a running process, or undefined when there is none with this pid. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  if (!isRunning(pid)) return undefined;
  return { pid, started: startedOf(pid) };
}

/** True while exactly this process runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now !== undefined && now.started === identity.started;
}

/** The command line of a process, or "" when it is gone. */
export function commandLineOf(pid: number): string {
  if (process.platform === "linux") return readProc(pid, "cmdline").replaceAll("\0", " ").trim();
  return ps(pid, "args=");
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

// A zombie has ended; only its parent has not read its exit code yet.
function isZombie(pid: number): boolean {
  return process.platform === "linux" && statFields(pid)[0] === "Z";
}

// Field 22 of /proc/<pid>/stat: clock ticks since boot.
function startedOf(pid: number): string {
  return process.platform === "linux" ? (statFields(pid)[19] ?? "") : ps(pid, "lstart=");
}

// The fields after the command's name, which may itself hold spaces and brackets: state is the first.
function statFields(pid: number): string[] {
  const stat = readProc(pid, "stat");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

function ps(pid: number, columns: string): string {
  try {
    return execFileSync("ps", ["-o", columns, "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}
