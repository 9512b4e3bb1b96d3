// Ends a process when the supervisor dies, however it dies. Node children watch their stdin; a
// program that is not ours cannot, so a shell of one line waits for the end of its stdin instead.
import { spawn } from "node:child_process";

/** A watch that was set; `dismiss` ends it without touching the process. */
export interface Watchdog {
  dismiss(): void;
}

/**
 * Sends SIGINT to `pid` as soon as this process is gone, and removes the folder `remove` once
 * the process has ended.
 */
export function watchOver(pid: number, remove?: string): Watchdog {
  const script =
    'read -r word; [ "$word" = dismissed ] && exit; kill -INT "$1"; [ -z "$2" ] && exit; while kill -0 "$1"; do sleep 0.1; done; rm -rf "$2"';
  const shell = spawn("/bin/sh", ["-c", script, "bourse-watchdog", String(pid), remove ?? ""], {
    // A session of its own: Ctrl-C in the terminal must not reach it before the orderly stop.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.unref();
  shell.stdin.on("error", () => undefined);
  return { dismiss: () => shell.stdin.end("dismissed\n") };
}
