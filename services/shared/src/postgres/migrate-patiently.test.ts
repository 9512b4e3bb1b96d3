import { expect, test } from "vitest";
import { systemClock } from "../runtime/clock.js";
import { createLogger } from "../runtime/log.js";
import { migratePatiently } from "./migrate-patiently.js";

const clock = { ...systemClock, sleep: async () => {} };
const log = createLogger({ service: "test", level: "fatal" });

test("waits for a database that is away, however it says so", async () => {
  const away = [
    Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
    Object.assign(new Error("the database system is starting up"), { code: "57P03" }),
    new Error("Connection terminated unexpectedly"),
  ];
  let attempts = 0;
  await migratePatiently(
    async () => {
      const error = away[attempts];
      attempts += 1;
      if (error !== undefined) throw error;
      return [];
    },
    { clock, log },
  );
  expect(attempts).toBe(4);
});

test("a migration that fails is not tried again", async () => {
  let attempts = 0;
  const run = async () => {
    attempts += 1;
    throw Object.assign(new Error("relation exists"), { code: "42P07" });
  };
  await expect(migratePatiently(run, { clock, log })).rejects.toThrow("relation exists");
  expect(attempts).toBe(1);
});
