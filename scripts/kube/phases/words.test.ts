import { expect, test } from "vitest";
import { reasonOf } from "./words.js";

const pod = (status: object) => ({
  metadata: { name: "p", uid: "1" },
  status: { containerStatuses: [{ ready: false, state: {}, ...status }] },
});

test("the last line of a container that ended is its reason", () => {
  const terminated = { exitCode: 78, message: "one\nmatcher.segmentBytes: too small\n" };
  expect(reasonOf(pod({ state: { terminated } }))).toBe("p (exit 78): matcher.segmentBytes: too small");
  expect(reasonOf(pod({ lastState: { terminated } }))).toContain("exit 78");
});

test("an image that cannot be pulled says so, a start that takes its time does not", () => {
  const waiting = { reason: "ErrImagePull", message: "no such image" };
  expect(reasonOf(pod({ state: { waiting } }))).toBe("p (ErrImagePull): no such image");
  expect(reasonOf(pod({ state: { waiting: { reason: "ContainerCreating" } } }))).toBeUndefined();
  expect(reasonOf(pod({ ready: true }))).toBeUndefined();
});
