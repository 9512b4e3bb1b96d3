// Starts again what a fault ended, and what ended by itself because of one: what systemd or Kubernetes would do.
import { setTimeout as pause } from "node:timers/promises";
import type { Mesh } from "@bourse/local/mesh.js";

/** How often a process may end while it is started before it is given up. */
const ATTEMPTS_MAX = 20;
const AGAIN_AFTER_MS = 200;

/** The supervisor of one exchange. */
export class Supervisor {
  /** Processes that ended without having been asked, in this round. */
  readonly ended: string[] = [];
  readonly #starting = new Map<string, Promise<void>>();
  #mesh: Mesh | undefined;
  #isStopping = false;

  watch(mesh: Mesh): void {
    this.#mesh = mesh;
  }

  /** For the mesh's `onEnded`. */
  readonly onEnded = (name: string, how: string): void => {
    if (this.#isStopping) return;
    this.ended.push(`${name} (${how})`);
    if (this.#mesh !== undefined) this.start(name);
  };

  /** Starts a process that is gone, again and again until it is ready. */
  start(name: string): void {
    if (this.#isStopping || this.#starting.has(name)) return;
    const starting = this.#untilReady(name).finally(() => this.#starting.delete(name));
    // Whoever waits for all hears of it.
    starting.catch(() => undefined);
    this.#starting.set(name, starting);
  }

  /** Resolves when everything that was started is ready; rejects with why something cannot start. */
  async allStarted(): Promise<void> {
    while (this.#starting.size > 0) await Promise.all(this.#starting.values());
  }

  /** From now on nothing is started. */
  stop(): void {
    this.#isStopping = true;
  }

  async #untilReady(name: string): Promise<void> {
    for (let attempt = 1; !this.#isStopping; attempt += 1) {
      try {
        return await this.#mesh?.restart(name);
      } catch (error) {
        if (this.#isStopping || attempt >= ATTEMPTS_MAX) throw error;
        await pause(AGAIN_AFTER_MS);
      }
    }
  }
}
