import { rmdir } from "node:fs/promises";
import { pathsOf, removeState } from "./home.js";
import { lockHome } from "./instance-lock.js";
import { stopStaleServer } from "./postgres-server.js";
import { endLeftovers } from "./running.js";

/** Removes all state in a home; fails with a StartError while an exchange runs on it. */
export async function resetHome(home: string): Promise<void> {
  const lock = await lockHome(home);
  try {
    await endLeftovers(home, 15_000);
    await stopStaleServer(pathsOf(home).postgres);
    await removeState(home);
  } finally {
    await lock.release();
  }
  // What is not the exchange's stays, and its folder with it.
  await rmdir(home).catch(() => undefined);
}
