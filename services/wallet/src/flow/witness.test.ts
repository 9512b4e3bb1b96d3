import { expect, test } from "vitest";
import { uuidOf } from "../testing/names.js";
import { createWitness } from "./witness.js";

test("what a witness is told costs it next to nothing, however much that is, and the newest is remembered", () => {
  const witness = createWitness();
  const startedMs = performance.now();
  for (let index = 0; index < 200_000; index += 1) {
    witness.held(`hold ${index}`);
    witness.refused({ orderId: `refusal ${index}` } as never);
  }
  // 40 us each when it took a walk over what was forgotten.
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect([199_999, 150_000].map((index) => witness.wasHeld(`hold ${index}`))).toEqual([true, true]);
  expect(["hold 0", uuidOf("never")].map(witness.wasHeld)).toEqual([false, false]);
});
