import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { homeFolder } from "./home.js";
import { lockHome } from "./instance-lock.js";
import { resetHome } from "./reset.js";

test("reset removes the exchange's state and nothing else, and refuses while it runs", async () => {
  const home = await mkdtemp(join(tmpdir(), "bourse-home-"));
  for (const name of ["postgres", "keys", "logs", "matcher-0", "matcher-11", "mine"]) {
    await mkdir(join(home, name));
    await writeFile(join(home, name, "file"), "x");
  }
  const lock = await lockHome(home);
  await expect(resetHome(home)).rejects.toThrow("already runs");
  expect(await readdir(home)).toHaveLength(7);
  await lock.release();
  await resetHome(home);
  expect(await readdir(home)).toEqual(["mine"]);
  await rm(join(home, "mine"), { recursive: true });
  await resetHome(home);
  await expect(readdir(home)).rejects.toThrow("ENOENT");
});

test("the home is named by BOURSE_HOME, else .bourse here", () => {
  expect(homeFolder({ BOURSE_HOME: "/data/x" })).toBe("/data/x");
  expect(homeFolder({ BOURSE_HOME: "" })).toBe(join(process.cwd(), ".bourse"));
});
