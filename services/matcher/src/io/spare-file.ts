// The next file of the journal, zeroed ahead, so that no batch waits for it and a full disk is met while there
// is still room: a file that cannot be made is tried again and again, and nothing has failed yet.
import { type FileHandle, rm } from "node:fs/promises";
import { createZeroed } from "./segment.js";

const RETRY_MS = 500;
const NO_SPACE = new Set(["ENOSPC", "EDQUOT"]);

/** The journal was closed while a batch waited for room: nothing failed, and nothing was written. */
export class ClosedWithoutRoom extends Error {
  override name = "ClosedWithoutRoom";
}

export interface SpareFileOptions {
  readonly path: string;
  readonly bytes: number;
  /** Told when the disk has no room for the file, and when it has again. */
  readonly onRoom: (isMissing: boolean, error?: unknown) => void;
}

export class SpareFile {
  readonly #options: SpareFileOptions;
  #made: FileHandle | undefined;
  #making: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isMissing = false;
  #isClosing = false;
  /** Ends the wait for the next try. */
  #wake = () => {};

  constructor(options: SpareFileOptions) {
    this.#options = options;
  }

  /** True when the last try to make the file failed. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  /** Begins to make the file, if it is not there. */
  prepare(): void {
    if (this.#made !== undefined || this.#making !== undefined || this.#retry !== undefined) return;
    if (this.#isClosing) return;
    this.#making = this.#make(this.#options.bytes)
      .then((file) => {
        this.#made = file;
      })
      // Of another error the one who needs the file is told.
      .catch(() => this.#retryLater())
      .finally(() => {
        this.#making = undefined;
      });
  }

  /**
   * The file, of at least so many bytes, for the caller to rename and to close. Waits as long as the disk is
   * full; rejects when it cannot be made for another reason.
   */
  async take(bytes: number): Promise<FileHandle> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    await this.#making;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const made = this.#made;
    this.#made = undefined;
    if (made !== undefined && bytes <= this.#options.bytes) return made;
    await made?.close();
    for (;;) {
      try {
        return await this.#make(Math.max(bytes, this.#options.bytes));
      } catch (error) {
        if (!NO_SPACE.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
        if (this.#isClosing) throw new ClosedWithoutRoom("the journal was closed while a batch waited");
        await this.#pause();
      }
    }
  }

  /** Whoever waits for room tries once more, and then waits no longer. */
  stopWaiting(): void {
    this.#isClosing = true;
    this.#wake();
  }

  async close(): Promise<void> {
    this.stopWaiting();
    clearTimeout(this.#retry);
    await this.#making;
    await this.#made?.close();
  }

  async #make(bytes: number): Promise<FileHandle> {
    try {
      const file = await createZeroed(this.#options.path, bytes);
      this.#setMissing(false);
      return file;
    } catch (error) {
      this.#setMissing(true, error);
      // What was made of it is given back.
      await rm(this.#options.path, { force: true }).catch(() => {});
      throw error;
    }
  }

  #setMissing(isMissing: boolean, error?: unknown): void {
    if (this.#isMissing === isMissing) return;
    this.#isMissing = isMissing;
    this.#options.onRoom(isMissing, error);
  }

  #retryLater(): void {
    if (this.#isClosing) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.prepare();
    }, RETRY_MS);
    this.#retry.unref();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, RETRY_MS).unref();
    });
  }
}
