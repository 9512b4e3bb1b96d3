import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findOwner, lockHome } from "./instance-lock.js";
import { identityOf } from "./process-identity.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "bourse-lock-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test("a second instance on the same folder is refused with the pid of the first", async () => {
  const lock = await lockHome(home);
  await expect(lockHome(home)).rejects.toThrow(`already runs on ${home} (pid ${process.pid})`);
  expect(await findOwner(home)).toEqual(identityOf(process.pid));
  await lock.release();
  expect(await findOwner(home)).toBeUndefined();
});

test("the lock of a dead process is taken over, also when its pid lives again as another", async () => {
  const ended = spawnSync("true").pid;
  for (const stale of [{ pid: ended, started: "1" }, { pid: process.pid, started: "1" }, "not JSON"]) {
    await writeFile(join(home, "instance.lock"), typeof stale === "string" ? stale : JSON.stringify(stale));
    const lock = await lockHome(home);
    expect(await findOwner(home)).toEqual(identityOf(process.pid));
    await lock.release();
  }
});

test("of many that start at once exactly one gets the lock, and no debris stays", async () => {
  await writeFile(join(home, "instance.lock"), JSON.stringify({ pid: spawnSync("true").pid, started: "1" }));
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockHome(home)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await readdir(home)).toEqual(["instance.lock"]);
});

test("a home that is made can be entered by its owner only", async () => {
  const made = join(home, "made");
  await (await lockHome(made)).release();
  expect((await stat(made)).mode & 0o777).toBe(0o700);
});

test("one that is still stopping is said to be", async () => {
  const lock = await lockHome(home);
  await lock.stopping();
  await expect(lockHome(home)).rejects.toThrow(`(pid ${process.pid}) is still stopping`);
  await lock.release();
  await (await lockHome(home)).release();
});
